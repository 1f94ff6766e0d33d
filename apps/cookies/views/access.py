"""Who gets in to the pages behind the register: staff read, administrators write."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from apps.cookies import policies
from apps.cookies.models import Site


def require_reader(request: HttpRequest) -> None:
    if not policies.can_see_register(request.user):
        raise Http404  # for customers there is no such place


def require_writer(request: HttpRequest) -> None:
    require_reader(request)
    if not policies.can_edit_register(request.user):
        raise PermissionDenied


def site_or_404(request: HttpRequest, key: str) -> Site:
    return get_object_or_404(Site.objects.visible_to(request.user), key=key)
