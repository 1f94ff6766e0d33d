"""How allauth meets the portal: our people, our outbox, our words, our rules."""

from __future__ import annotations

import base64
import logging
import uuid
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.httpkit import clean_client_ip
from allauth.core.internal.ratelimit import respond_429
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from apps.accounts import devices, services
from apps.accounts.forms import PhoneNumberField
from apps.accounts.models import User
from apps.accounts.services.teams import MESSAGES_AN_HOUR
from apps.core import clock, crypto, limits
from apps.core.errors import InvalidInput
from apps.core.identities import IdentityType, parse_identity
from apps.notifications.services import notify

logger = logging.getLogger(__name__)

# allauth's name of a mail -> ours. What is not named here is not sent.
MAILS = {
    "account/email/email_confirmation": "accounts/confirm_email",
    "account/email/email_confirmation_signup": "accounts/confirm_email",
    "account/email/account_already_exists": "accounts/account_exists",
    "account/email/unknown_account": "accounts/unknown_account",
    "account/email/password_reset_code": "accounts/reset_code",
    "account/email/password_reset": "accounts/password_changed",
    "account/email/password_changed": "accounts/password_changed",
    "account/email/password_set": "accounts/password_changed",
    "account/email/email_changed": "accounts/email_changed",
    "mfa/email/totp_activated": "accounts/factor_added",
    "mfa/email/webauthn_added": "accounts/factor_added",
    "mfa/email/totp_deactivated": "accounts/factor_removed",
    "mfa/email/webauthn_removed": "accounts/factor_removed",
    "mfa/email/recovery_codes_generated": "accounts/recovery_codes_replaced",
}
WAYS = {
    "reauthenticate": _("Use your password"),
    "mfa_reauthenticate": _("Use the authenticator app or a recovery code"),
    "mfa_reauthenticate:webauthn": _("Use a security key"),
}
ASKED_FOR = ("confirm_email", "account_exists", "unknown_account", "reset_code")  # a stranger can have these sent


def display_name(user: User) -> str:
    """What allauth shows of a person, to that person alone."""
    return user.full_name or user.email


class AccountAdapter(DefaultAccountAdapter):
    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account can’t be used. Write to us if you think this is a mistake."),
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "email_taken": _("This e-mail address can’t be used."),
        "enter_current_password": _("Enter your current password."),
        "incorrect_code": _("This code is not right. Check it, or ask for a new one."),
        "incorrect_password": _("The password is not right."),
        "same_as_current": _("This is what you have now. Enter a different one."),
        "too_many_login_attempts": _("Too many attempts. Wait a while and try again, or reset your password."),
        "rate_limited": _("Too many attempts. Wait a while and try again."),
    }

    # --- signing up -------------------------------------------------------------------------------
    def get_login_stages(self) -> list[str]:
        """E-mail before phone: a stranger who signs up with somebody's address must not learn from a text message
        whether that address is known here."""
        return [
            "allauth.account.stages.EmailVerificationStage",
            "apps.accounts.stages.PhoneStage",
            "allauth.mfa.stages.AuthenticateStage",
        ]

    def save_user(self, request: HttpRequest, user: User, form: Form, commit: bool = True) -> User:
        data = form.cleaned_data
        return services.sign_up(
            email=data["email"],
            full_name=data["full_name"],
            phone_number=data["phone"],
            password=data["password1"],
            company=data.get("company", ""),
            language=translation.get_language() or settings.LANGUAGE_CODE,
            now=clock.now(),
        )

    def clean_email(self, email: str) -> str:
        try:
            return parse_identity(IdentityType.EMAIL, email, field="email").value
        except InvalidInput as error:
            raise ValidationError(error.message) from error

    # --- signing in -------------------------------------------------------------------------------
    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Wrong passwords are counted per account, apart for each known browser and together for all unknown ones."""
        email = (credentials.get("email") or "").lower()
        return f"{email}:{devices.known_device(request, email)}"

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        logger.warning("A sign-in was refused: wrong address or password")  # ASVS v5.0.0-16.3.1; nobody's data

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        services.activate_accounts(user, now=clock.now())
        response = super().post_login(request, user, **kwargs)
        if not devices.known_device(request, user.email):
            devices.remember(response, user)
        return response

    def get_reauthentication_methods(self, user: User) -> list[dict]:
        """Whoever has a second factor proves themselves with it: a stolen password alone changes nothing (T36)."""
        methods = [way | {"description": WAYS[way["id"]]} for way in super().get_reauthentication_methods(user)]
        stronger = [method for method in methods if method["id"] != "reauthenticate"]
        return stronger or methods

    def get_client_ip(self, request: HttpRequest) -> str:
        """X-Forwarded-For counts only from as many proxies as are configured (T38); one that doesn't fit is ignored."""
        proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
        forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        if 0 < proxies <= len(forwarded) and (ip := clean_client_ip(forwarded[-proxies])):
            return ip
        return clean_client_ip(request.META.get("REMOTE_ADDR") or "") or "0.0.0.0"  # noqa: S104  a Unix socket has none

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_settings")

    # --- phone numbers: somebody's contact point, not a name to sign in with ------------------------
    def phone_form_field(self, **kwargs: Any) -> PhoneNumberField:
        return PhoneNumberField(**kwargs)

    def get_user_by_phone(self, phone: str) -> User | None:
        """Nobody is found by number: colleagues may share one, and no form tells whether a number is known."""
        return None

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        return (user.phone_number, user.phone_verified) if user.phone_number else None

    def set_phone(self, user: User, phone: str, verified: bool) -> None:
        """Only reached while signing up, when the number given first was wrong."""
        user.phone_number, user.phone_verified_at = phone, None
        user.save(update_fields=["phone_number", "phone_verified_at"])

    def set_phone_verified(self, user: User, phone: str) -> None:
        services.confirm_phone(user, phone_number=phone, now=clock.now())

    # --- messages: all of them through the outbox ---------------------------------------------------
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        template = MAILS.get(template_prefix)
        if template is None:
            return
        name = template.partition("/")[2]
        if name in ASKED_FOR and not limits.take(f"mail:{email.lower()}", slots=MESSAGES_AN_HOUR, seconds=3600):
            raise ImmediateHttpResponse(respond_429(self.request))
        known = User.objects.filter(email=email.lower()).only("pk", "language").first()
        now = clock.now()
        notify(
            key=f"account.{name}:{uuid.uuid4()}",
            to=email,
            template=template,
            language=known.language if known else translation.get_language() or settings.LANGUAGE_CODE,
            context={"at": now.isoformat(), "code": context.get("code", "")},
            now=now,
            about=f"accounts.user:{known.pk}" if known else "",
        )

    def send_verification_code_sms(self, user: User, phone: str, code: str, **kwargs: Any) -> None:
        notify(
            key=f"account.confirm_phone:{uuid.uuid4()}",
            to=phone,
            template="accounts/confirm_phone",
            language=user.language,
            context={"code": code},
            now=clock.now(),
            channel="sms",
            about=f"accounts.user:{user.pk}",
        )


class FactorAdapter(DefaultMFAAdapter):
    error_messages: ClassVar[dict[str, Any]] = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right, or it was used already. Enter the newest one."),
    }

    def encrypt(self, text: str) -> str:
        """Secrets of authenticator apps, and the seed of recovery codes, open only with a key outside the database."""
        return base64.b64encode(crypto.seal(text, bound_to="second factor")).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.unseal(base64.b64decode(encrypted_text), bound_to="second factor")

    def _get_site_name(self) -> str:
        return settings.MFA_TOTP_ISSUER
