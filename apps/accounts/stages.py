"""Steps between the password and the session."""

from __future__ import annotations

from allauth.account.stages import PhoneVerificationStage
from django.http import HttpResponse


class PhoneStage(PhoneVerificationStage):
    """A number that was given is confirmed first. Staff have none here: their second factor is an app or a key."""

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if self.login.user is not None and not self.login.user.phone_number:
            return None, True
        return super().handle()
