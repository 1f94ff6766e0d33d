"""A customer's requests: the list, one request, its messages, its withdrawal, and its files."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.policies import is_staff_member
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms, require_fresh_factor, swap_parts
from apps.core.outcomes import add_refusal, tell_outcome
from apps.core.pages import keyset_page
from apps.subject_requests import forms, policies
from apps.subject_requests.models import Package, SubjectRequest, SubjectRequestQuerySet
from apps.subject_requests.presentation import home as home_page
from apps.subject_requests.presentation import requester
from apps.subject_requests.services import delivery, triage

NEWEST_FIRST = ("-received_at", "pk")


def _visible(request: HttpRequest, reference: str) -> SubjectRequest:
    """The request, if it exists for this person and is theirs to act on as a requester; else 404."""
    subject_request = get_object_or_404(SubjectRequest.objects.visible_to(request.user).for_page(), reference=reference)
    if not policies.may_act_as_requester(request.user, subject_request):
        raise Http404
    return subject_request


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """A customer's first page after signing in. Whoever works here begins somewhere else."""
    if is_staff_member(request.user):
        return redirect("dashboard:home")
    now = clock.now()
    page = home_page.page(request.user, _theirs(request), now=now, today=clock.local_date(now))
    return render(request, "subject_requests/home.html", page)


@require_safe
@login_required
def list_requests(request: HttpRequest) -> HttpResponse:
    """All that a customer asked: what waits for them, what is open, or what was done."""
    now, show_done = clock.now(), request.GET.get("show") == "done"
    listed = _theirs(request).for_list()
    page = keyset_page(
        listed.closed() if show_done else listed.open(), order=NEWEST_FIRST, cursor=request.GET.get("cursor")
    )
    context = {
        "page": page,
        "rows": requester.rows(page.rows, today=clock.local_date(now)),
        "waiting": [] if show_done else requester.waiting_for(request.user, _theirs(request), now=now),
        "show_done": show_done,
        "tabs": requester.tabs(show_done=show_done),
    }
    return render(request, "subject_requests/list.html", context)


def _theirs(request: HttpRequest) -> SubjectRequestQuerySet:
    """What a person asked, and what is asked about end users of their accounts; of staff only what they asked."""
    visible = SubjectRequest.objects.visible_to(request.user)
    return visible.filter(filed_by=request.user.pk) if policies.can_see_desk(request.user) else visible


@require_safe
@login_required
def detail(request: HttpRequest, reference: str) -> HttpResponse:
    return _page(request, _visible(request, reference), forms.MessageForm())


def _page(request: HttpRequest, subject_request: SubjectRequest, message_form: forms.MessageForm) -> HttpResponse:
    now = clock.now()
    page = requester.page(subject_request, user=request.user, now=now, today=clock.local_date(now))
    swap_parts(request, when=page["progress"] is not None)
    return render(request, "subject_requests/detail.html", page | {"message_form": message_form})


@reads_through_forms
@require_POST
@login_required
def write_message(request: HttpRequest, reference: str) -> HttpResponse:
    subject_request = _visible(request, reference)
    if not policies.can_write_message(request.user, subject_request):
        raise PermissionDenied
    form = forms.MessageForm(request.POST)
    if form.is_valid():
        try:
            triage.send_message(subject_request, text=form.cleaned_data["text"], by=request.user, now=clock.now())
            messages.success(request, _("Your message was sent."))
            return redirect(f"{subject_request.get_absolute_url()}#messages")
        except DomainError as error:
            add_refusal(form, error)
    return _page(request, subject_request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """Asks once more, then withdraws."""
    subject_request = _visible(request, reference)
    if not policies.can_withdraw(request.user, subject_request):
        raise PermissionDenied
    if request.method != "POST":
        return render(request, "subject_requests/withdraw.html", {"subject_request": subject_request})
    with tell_outcome(request, done=_("The request was withdrawn.")):
        triage.withdraw_request(subject_request, by=request.user, now=clock.now())
    return redirect(subject_request)


def _package(request: HttpRequest, reference: str, kind: str) -> Package:
    visible = Package.objects.visible_to(request.user).select_related("request__account")
    return get_object_or_404(visible, request__reference=reference, kind=kind)


@require_http_methods(["GET", "HEAD", "POST"])
@require_fresh_factor
def files(request: HttpRequest, reference: str, kind: str) -> HttpResponse:
    """The page of one file. Opening it (POST, from the request's page) starts its 24 hours; it offers the download."""
    package = _package(request, reference, kind)
    if request.method == "POST":
        delivery.open_download_page(package, by=request.user, now=clock.now())
        return redirect("subject_requests:files", reference, kind)
    context = {"package": package, "is_gone": package.purged_at or package.expires_at <= clock.now()}
    return render(request, "subject_requests/files.html", context)


@require_POST
@require_fresh_factor
def mint(request: HttpRequest, reference: str, kind: str) -> HttpResponse:
    """Every click makes a link of its own, good for one download."""
    try:
        token = delivery.mint_download_link(_package(request, reference, kind), by=request.user, now=clock.now())
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("subject_requests:files", reference, kind)
    return redirect("subject_requests:download", token)


@require_safe
@login_required
def download(request: HttpRequest, token: str) -> HttpResponse:
    """The file, once. HEAD, previews and mail scanners consume nothing; there is no resuming (T21)."""
    try:
        if request.method == "HEAD":
            delivery.peek_download(token, by=request.user, now=clock.now())
            return HttpResponse(headers={"Cache-Control": "no-store"})
        found = delivery.start_download(token, by=request.user, now=clock.now())
    except delivery.LinkSpent as spent:
        return render(request, "subject_requests/spent.html", {"reason": spent.message}, status=410)
    response = StreamingHttpResponse(found.chunks, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{found.filename}"'
    response["Content-Length"] = str(found.size)
    response["Cache-Control"], response["X-Content-Type-Options"] = "no-store", "nosniff"
    return response
