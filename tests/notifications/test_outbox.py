"""A message is asked for often and sent once; nothing about the person lies open in the outbox."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.template import engines

from apps.ledger.models import Entry
from apps.notifications import services, tasks
from apps.notifications.models import OutgoingMessage

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _greeting(settings, tmp_path):
    folder = tmp_path / "templates" / "test" / "emails"
    folder.mkdir(parents=True)
    (folder / "greeting.subject.txt").write_text("Hello\n{{ name }}")
    (folder / "greeting.txt").write_text("Dear {{ name }}{% include 'notifications/emails/foot.txt' %}")
    (folder / "greeting.html").write_text(
        "{% extends 'notifications/emails/base.html' %}{% block body %}<p>{{ name }}</p>{% endblock %}"
    )
    (folder / "greeting.sms.txt").write_text("Code {{ name }}")
    for engine in engines.all():
        monkey = engine.engine
        monkey.dirs = [tmp_path / "templates", *monkey.dirs]
    for loader in monkey.template_loaders:
        if hasattr(loader, "reset"):
            loader.reset()
    yield
    monkey.dirs = monkey.dirs[1:]


def _notify(key: str = "k", **changes) -> bool:
    values = {
        "to": "jan@example.com",
        "template": "test/greeting",
        "language": "en",
        "context": {"name": "Jan"},
        "now": NOW,
    }
    return services.notify(key=key, **values | changes)


def test_the_same_key_is_one_message():
    assert [_notify(), _notify(), _notify("other")] == [True, False, True]


@pytest.mark.threat("T56")
def test_address_and_content_are_sealed_at_rest():
    _notify()
    row = OutgoingMessage.objects.get()
    assert b"jan" not in bytes(row.address) + bytes(row.context)
    assert "jan" not in str(row).lower()


def test_a_message_is_delivered_once_with_text_and_html(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    _notify()
    assert services.deliver(OutgoingMessage.objects.get().pk, now=NOW) is True
    assert services.deliver(OutgoingMessage.objects.get().pk, now=NOW) is False
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["jan@example.com"], "Hello Jan")
    assert "<p>Jan</p>" in sent.alternatives[0][0]
    assert Entry.objects.filter(verb="notification.delivered").count() == 1


def test_arabic_mail_reads_from_right_to_left(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    _notify(language="ar")
    services.deliver(OutgoingMessage.objects.get().pk, now=NOW)
    assert '<html lang="ar" dir="rtl">' in mail.outbox[0].alternatives[0][0]


@pytest.mark.threat("T33")
def test_a_line_break_in_a_subject_injects_no_header(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    _notify(context={"name": "Jan\r\nBcc: all@example.com"})
    services.deliver(OutgoingMessage.objects.get().pk, now=NOW)
    assert mail.outbox[0].subject == "Hello Jan Bcc: all@example.com"


def test_a_failed_delivery_is_tried_again_later_and_given_up_in_the_end(settings):
    settings.EMAIL_BACKEND = "nowhere.Backend"
    _notify()
    at = NOW
    for _attempt in range(services.MAX_ATTEMPTS):
        message = OutgoingMessage.objects.get()
        assert services.deliver(message.pk, now=at - timedelta(seconds=1)) is False
        at = OutgoingMessage.objects.get().next_attempt_at
        services.deliver(message.pk, now=at)
        at = OutgoingMessage.objects.get().next_attempt_at
    message = OutgoingMessage.objects.get()
    assert message.gave_up_at is not None
    assert message.attempts == services.MAX_ATTEMPTS
    assert Entry.objects.get(verb="notification.given_up").facts["error"] == "ModuleNotFoundError"


def test_the_embedded_default_writes_files(settings):
    settings.EMAIL_BACKEND = "apps.notifications.backends.FileEmailBackend"
    _notify()
    _notify("sms", channel="sms", to="+31612345678", context={"name": "123456"})
    import time_machine

    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        assert [tasks.deliver_messages() for _ in range(3)] == [2, 0, 0]
    files = sorted(path.name.split("-", 1)[1] for path in Path(settings.MAIL_DIR).iterdir())
    assert files == ["+31612345678.sms.txt", "jan@example.com.eml"]


@pytest.mark.req("CON-5")
def test_a_mail_carries_the_headers_it_was_given_sealed_until_then():
    headers = {
        "List-Unsubscribe": "<https://portal.example/u/1/>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    _notify(headers=headers)
    assert b"portal.example/u/1" not in bytes(OutgoingMessage.objects.get().context)
    services.deliver(OutgoingMessage.objects.get().pk, now=NOW)
    [sent] = mail.outbox
    assert headers.items() <= dict(sent.message().items()).items()


@pytest.mark.parametrize(
    "header", [("Bcc", "eve@example.com"), ("List-Unsubscribe", "<https://a/>\r\nBcc: eve@example.com")]
)
def test_no_other_header_can_be_smuggled_into_a_mail(header):
    with pytest.raises(ValueError, match="header"):
        _notify(headers=dict([header]))
