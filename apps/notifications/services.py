"""Putting a message into the outbox, and delivering it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html

from apps.core import crypto
from apps.ledger import services as ledger
from apps.notifications.models import Channel, OutgoingMessage

LEASE = timedelta(minutes=2)  # longer than any SMTP conversation; after it another worker tries again
ISOLATED = '<bdi style="white-space:nowrap">{}</bdi>'
HEADERS = "headers"  # reserved in the context, so that they lie sealed like the rest
KNOWN_HEADERS = frozenset({"List-Unsubscribe", "List-Unsubscribe-Post"})  # RFC 2369, RFC 8058
MAX_ATTEMPTS = 12  # with doubling pauses, a little under three days


def notify(
    *,
    key: str,
    to: str,
    template: str,
    language: str,
    context: dict[str, Any],
    now: datetime,
    channel: str = Channel.EMAIL,
    about: str = "",
    headers: Mapping[str, str] | None = None,
) -> bool:
    """Put a message into the outbox; False when a message with this `key` is there already.

    `to` is an e-mail address or an E.164 number. `template` is "<app>/<name>": see `_render`. `context` is JSON-able.
    `headers` are those of `KNOWN_HEADERS` that a mail is sent with.
    """
    pk = uuid4()
    if headers:
        context = context | {HEADERS: _checked(headers)}
    message = OutgoingMessage(
        pk=pk,
        key=key,
        channel=channel,
        address=crypto.seal(to, bound_to=f"message:{pk}:address"),
        context=crypto.seal(json.dumps(context), bound_to=f"message:{pk}:context"),
        template=template,
        language=language,
        about=about,
        created_at=now,
        next_attempt_at=now,
    )
    OutgoingMessage.objects.bulk_create([message], ignore_conflicts=True)
    return OutgoingMessage.objects.filter(pk=pk).exists()


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    """One line each, and only known ones: whatever is in them, no other header can come of it."""
    for name, value in headers.items():
        if name not in KNOWN_HEADERS or not value.isprintable():
            raise ValueError(f"The header {name!r} can't be sent.")
    return dict(headers)


def forget_messages(*, about: str) -> int:
    """Remove what was delivered or given up about an object whose identifying half goes; returns how many."""
    settled = OutgoingMessage.objects.about(about).exclude(delivered_at=None, gave_up_at=None)
    count, _by_model = settled.delete()
    return count


def deliver(message_id: UUID, *, now: datetime) -> bool:
    """Deliver one message if it is still due. A failure is tried again with doubling pauses, then given up and said."""
    message = _claim(message_id, now=now)
    if message is None:
        return False
    try:
        _send(message)
    except Exception as error:  # whatever a transport throws, the queue must go on
        _failed(message, type(error).__name__, now=now)
        return False
    _delivered(message, now=now)
    return True


@transaction.atomic
def _claim(message_id: UUID, *, now: datetime) -> OutgoingMessage | None:
    due = OutgoingMessage.objects.due(at=now).filter(pk=message_id)
    message = due.select_for_update(skip_locked=True).first()
    if message is None:
        return None
    message.attempts += 1
    message.next_attempt_at = now + LEASE
    message.save(update_fields=["attempts", "next_attempt_at"])
    return message


@transaction.atomic
def _delivered(message: OutgoingMessage, *, now: datetime) -> None:
    message.delivered_at = now
    message.error_code = ""
    message.save(update_fields=["delivered_at", "error_code"])
    ledger.record(
        actor="system",
        verb="notification.delivered",
        target=message,
        at=now,
        template=message.template,
        about=message.about or None,
    )


@transaction.atomic
def _failed(message: OutgoingMessage, error_code: str, *, now: datetime) -> None:
    message.error_code = error_code
    message.next_attempt_at = now + timedelta(seconds=30 * 2 ** min(message.attempts, 11))
    if message.attempts >= MAX_ATTEMPTS:
        message.gave_up_at = now
        ledger.record(
            actor="system",
            verb="notification.given_up",
            target=message,
            at=now,
            template=message.template,
            error=error_code,
        )
    message.save(update_fields=["error_code", "next_attempt_at", "gave_up_at"])


def _send(message: OutgoingMessage) -> None:
    to = crypto.unseal(message.address, bound_to=f"message:{message.pk}:address")
    context = json.loads(crypto.unseal(message.context, bound_to=f"message:{message.pk}:context"))
    headers = context.pop(HEADERS, {})
    parts = _render(message, context)
    if message.channel == Channel.SMS:
        module, _, name = settings.SMS_BACKEND.rpartition(".")
        getattr(import_module(module), name)().send(to=to, text=parts["sms.txt"])
        return
    mail = EmailMultiAlternatives(subject=parts["subject.txt"], body=parts["txt"], to=[to])
    mail.attach_alternative(parts["html"], "text/html")
    # The same id on every attempt: a mailbox that got the first copy recognises the second.
    mail.extra_headers["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:32]}@portal>"
    mail.extra_headers["Auto-Submitted"] = "auto-generated"
    mail.extra_headers |= headers
    mail.send()


def _render(message: OutgoingMessage, context: dict[str, Any]) -> dict[str, str]:
    """`templates/<app>/emails/<name>.{subject.txt,txt,html}` or `.sms.txt`, in the message's language.

    The subject is one line, so that nothing can be injected into headers, and the heading of the HTML. There `bdi` has
    the context's words again, isolated from text that runs the other way.
    """
    app, _, name = message.template.partition("/")
    kinds = ["sms.txt"] if message.channel == Channel.SMS else ["subject.txt", "txt", "html"]
    context = context | {"provider": settings.PROVIDER, "base_url": settings.BASE_URL, "language": message.language}
    context["bdi"] = {name: format_html(ISOLATED, value) for name, value in context.items() if isinstance(value, str)}
    parts = {}
    with translation.override(message.language):
        context["is_rtl"] = translation.get_language_bidi()
        for kind in kinds:
            text = render_to_string(f"{app}/emails/{name}.{kind}", context)
            parts[kind] = " ".join(text.split()) if kind == "subject.txt" else f"{text.strip()}\n"
            context["subject"] = parts.get("subject.txt", "")
    return parts
