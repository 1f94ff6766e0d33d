"""The embedded default's post office: each mail and each SMS is one file, for one's own eyes on one's own machine."""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


def _write(to: str, suffix: str, content: bytes) -> None:
    folder = Path(settings.MAIL_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{time.time_ns()}-{re.sub(r'[^a-z0-9@.+-]', '_', to.lower())[:80]}{suffix}"
    part = folder / f".{name}.part"
    part.write_bytes(content)
    os.replace(part, folder / name)  # whoever watches the folder never reads half a message


class FileEmailBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            _write(message.to[0], ".eml", message.message().as_bytes())
        return len(email_messages)


class FileSmsBackend:
    """An SMS backend has one method; the provider's own API takes its place through the setting SMS_BACKEND."""

    def send(self, *, to: str, text: str) -> None:
        _write(to, ".sms.txt", text.encode())
