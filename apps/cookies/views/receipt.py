"""A visitor's own receipt, by the browser's cookie alone: nothing in an address, no sign-in."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.consent.models import Event
from apps.consent.services.receipts import receipt_file, receipt_for_visitor, show_receipt
from apps.cookies.choice import sent
from apps.core import clock
from apps.core.errors import DomainError


@require_safe
@never_cache
def receipt(request: HttpRequest) -> HttpResponse:
    """The last choice of this browser: its page, or with `?format=` its receipt. The cookie's two random ids must both
    be those of the event (T42)."""
    event, now, why_not = _own(request), clock.now(), ""
    if form := request.GET.get("format"):
        try:
            file = receipt_file(event, form=form, is_plain=request.GET.get("as") == "json", now=now)
            return HttpResponse(file.content, headers=file.headers)
        except DomainError as error:
            why_not = error.message
    context = {"receipt": show_receipt(event, now=now), "why_not": why_not}
    return render(request, "consent/receipt_visitor.html", context, status=409 if why_not else 200)


def _own(request: HttpRequest) -> Event:
    for choice in sent(request)[:4]:  # one for the host, one for the domain; who sends a hundred asks for nothing
        if event := receipt_for_visitor(choice.event, choice.visitor):
            return event
    raise Http404
