"""How far the worker is: the part of a request's page that htmx fetches again, for the desk and for the requester."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.core.http import part_of_a_page
from apps.subject_requests import policies
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.presentation.progress import progress

STOP_ASKING = 286  # what htmx's polling ends at


@require_safe
@part_of_a_page
def of_requester(request: HttpRequest, reference: str) -> HttpResponse:
    """For whoever may see the request's page as a requester."""
    subject_request = get_object_or_404(SubjectRequest.objects.visible_to(request.user), reference=reference)
    if not policies.may_act_as_requester(request.user, subject_request):
        raise Http404
    return _part(request, subject_request, "subject_requests:progress")


@require_safe
@part_of_a_page
def of_desk(request: HttpRequest, reference: str) -> HttpResponse:
    """For whoever may see the desk's page of the request."""
    if not policies.can_see_desk(request.user):
        raise PermissionDenied
    subject_request = get_object_or_404(SubjectRequest.objects.visible_to(request.user), reference=reference)
    if not policies.can_see_officer_side(request.user, subject_request):
        raise PermissionDenied
    return _part(request, subject_request, "desk:progress")


def _part(request: HttpRequest, subject_request: SubjectRequest, address: str) -> HttpResponse:
    context = {"progress": progress(subject_request, address=address), "is_part": True}
    status = STOP_ASKING if context["progress"]["is_done"] else 200
    return render(request, "components/progress.html#part", context, status=status)
