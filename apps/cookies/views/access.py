"""Who gets in to the pages behind the register: staff read, administrators write."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from apps.cookies import policies
from apps.cookies.models import Site
from apps.core.http import require_access


def require_reader(request: HttpRequest) -> None:
    require_access(may_read=policies.can_see_register(request.user))


def require_writer(request: HttpRequest) -> None:
    require_access(may_read=policies.can_see_register(request.user), may_write=policies.can_edit_register(request.user))


def site_or_404(request: HttpRequest, key: str) -> Site:
    return get_object_or_404(Site.objects.visible_to(request.user), key=key)
