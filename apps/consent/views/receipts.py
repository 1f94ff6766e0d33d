"""What a person said, with receipts to take away; and for anybody, whether a receipt is true."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import override
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from apps.consent.models import Event
from apps.consent.receipts import shown
from apps.consent.services import with_texts
from apps.consent.services.receipts import key_set, receipt_file, show_receipt, verify_receipt
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.fast_path import Answer, Buckets, Call, Refused, answer, network_of, on_fast_path
from apps.core.pages import keyset_page

LONGEST = 16_384
STATUSES = {"malformed": 400, "unknown_key": 422, "changed": 422}
buckets = Buckets(a_second=1, burst=30)  # for one network: a signature costs little, and nobody checks a thousand


@require_safe
@login_required
def own(request: HttpRequest) -> HttpResponse:
    """Everything the person said, the newest first, with the words as they were shown (CON-1)."""
    events = Event.objects.own_to(request.user)
    page = keyset_page(events, order=("-at", "-id"), cursor=request.GET.get("cursor"))
    acts = shown.show_all(with_texts(page.rows), now=clock.now())
    return render(request, "consent/receipts.html", {"page": page, "acts": acts})


@require_safe
@login_required
def receipt(request: HttpRequest, event: uuid.UUID) -> HttpResponse:
    """One act: its page, or with `?format=iso` or `kantara` its signed receipt, as readable JSON with `&as=json`."""
    found, now = get_object_or_404(Event.objects.own_to(request.user).identified(event)), clock.now()
    why_not = ""
    if form := request.GET.get("format"):
        try:
            file = receipt_file(found, form=form, is_plain=request.GET.get("as") == "json", now=now)
            return HttpResponse(file.content, headers=file.headers)
        except DomainError as error:
            why_not = error.message
    context = {"receipt": show_receipt(found, now=now), "why_not": why_not}
    return render(request, "consent/receipt.html", context, status=409 if why_not else 200)


@require_safe
@cache_control(public=True, max_age=3600)
def keys(request: HttpRequest) -> HttpResponse:
    """Our public keys, so that whoever holds a receipt proves it without asking us (RFC 7517)."""
    headers = {"Access-Control-Allow-Origin": "*"}
    return JsonResponse(key_set(), content_type="application/jwk-set+json", headers=headers)


@on_fast_path("POST")
def verify(call: Call) -> Answer:
    """Whether a receipt in compact form is ours and unchanged, and whether our own record agrees. Anybody may ask; the
    answer holds nothing about a person."""
    if not buckets.take(network_of(call)):
        raise Refused(429, "rate", "Too many receipts at once. Ask again in a minute.", headers={"Retry-After": "60"})
    try:
        with override("en"):  # no page's language reaches here: what this thread spoke last is nobody's choice
            verdict = verify_receipt(_sent(call))
    except DomainError as error:
        raise Refused(STATUSES[error.code], error.code, str(error), valid=False) from None
    event = {"known": verdict.is_known, "agrees": verdict.agrees, "words_agree": verdict.words_agree}
    facts = {"kid": verdict.kid, "issued_at": verdict.issued_at.isoformat(), "standard": verdict.standard}
    return answer({"valid": True, **facts, "record_id": verdict.record_id, "event": event})


def _sent(call: Call) -> str:
    length = call.header("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit() or int(length) > LONGEST:
        raise Refused(413, "size", f"Send {LONGEST:,} bytes at most.")
    sent: bytes = call.environ["wsgi.input"].read(int(length))
    return sent.decode("utf-8", "replace").rstrip("\r\n")
