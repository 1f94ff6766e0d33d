"""What people type about themselves, their account and their team. Every field says what it is for (ROLE-5)."""

from __future__ import annotations

import struct
import unicodedata
from typing import Any

from allauth.account import forms as account_forms
from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.base import forms as factor_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as key_forms
from cryptography.exceptions import InvalidSignature
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.states import Channel, Language, MemberRole, Role, TokenScope
from apps.core import limits
from apps.core.crypto import fingerprint
from apps.core.errors import InvalidInput
from apps.core.filters import FilterForm
from apps.core.identities import IdentityType, parse_identity

PASSWORD_MAX = 1000  # hashing a megabyte would be a way to keep the machine busy
CODE_MAX = 64
DIRECTION_MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def one_line(value: str) -> None:
    """Names go into pages and mails of others: no line breaks, control characters or tricks with direction (T33)."""
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in DIRECTION_MARKS for letter in value):
        raise ValidationError(_("Enter this on one line, in ordinary letters."))


class IdentityField(forms.CharField):
    """A contact point in its canonical form."""

    kind: IdentityType

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return text
        try:
            return parse_identity(self.kind, text, field="field").value
        except InvalidInput as error:
            raise ValidationError(error.message) from error


class EmailField(IdentityField):
    kind = IdentityType.EMAIL

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("E-mail address"))
        kwargs.setdefault("error_messages", {"required": _("Enter an e-mail address.")})
        kwargs.setdefault("max_length", 254)
        kwargs.setdefault("widget", forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}))
        super().__init__(**kwargs)


class PhoneNumberField(IdentityField):
    kind = IdentityType.PHONE_NUMBER

    def __init__(self, **kwargs: Any) -> None:
        kwargs["label"] = _("Mobile phone number")
        kwargs.setdefault("error_messages", {"required": _("Enter a phone number.")})
        kwargs.setdefault("help_text", _("With country code, like +31 6 12345678."))
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "dir": "ltr"}))
        super().__init__(**kwargs)


class PasswordField(forms.CharField):
    def __init__(self, *, autocomplete: str = "current-password", **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": autocomplete, "dir": "ltr"})
        kwargs.setdefault("label", _("Password"))
        kwargs.setdefault("error_messages", {"required": _("Enter a password.")})
        super().__init__(strip=False, max_length=PASSWORD_MAX, widget=widget, **kwargs)


class CodeField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("error_messages", {"required": _("Enter the code.")})
        attrs = {"autocomplete": "one-time-code", "inputmode": kwargs.pop("inputmode", "numeric"), "dir": "ltr"}
        super().__init__(max_length=CODE_MAX, widget=forms.TextInput(attrs=attrs), **kwargs)

    def to_python(self, value: Any) -> str:
        """Digits of any script: an Arabic keyboard has its own."""
        return "".join(str(unicodedata.decimal(letter, letter)) for letter in super().to_python(value))


NEW_PASSWORD_HINT = _("At least 12 characters. Three or four words that nobody would guess are good.")


class SignUpForm(account_forms.SignupForm):
    """A person signs up, on behalf of a company unless they were invited to join one."""

    field_order = ("full_name", "company", "email", "phone", "password1")
    full_name = forms.CharField(
        label=_("Your full name"),
        max_length=150,
        validators=[one_line],
        help_text=_("So that we know whom we answer, and your colleagues know who asks."),
        error_messages={"required": _("Enter your full name.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    company = forms.CharField(
        label=_("Company"),
        max_length=200,
        validators=[one_line],
        help_text=_("The company you act for. The account is opened in its name."),
        error_messages={"required": _("Enter the company you act for.")},
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    invited = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = EmailField(
            help_text=_(
                "You sign in with it and our answers go there. We send a code to it; without it there is no account."
            )
        )
        self.fields["phone"] = PhoneNumberField(
            help_text=_(
                "With country code, like +31 6 12345678. For test messages, support and a second check when you do "
                "something sensitive. We send a code to it; without it there is no account."
            )
        )
        self.fields["password1"] = PasswordField(autocomplete="new-password", help_text=NEW_PASSWORD_HINT)
        request = context.request
        if request.POST.get("invited") or request.GET.get("invited"):
            del self.fields["company"]
            self.fields["invited"].initial = True
        self.order_fields(self.field_order)

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Two sign-ups with one address at the same instant: the second one is answered like any known address."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])  # takes as long as for an unknown address
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError:
            self.account_already_exists = True
            return super().try_save(request)


class SignInForm(account_forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = EmailField()
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["password"] = PasswordField()


class ResetPasswordForm(account_forms.ResetPasswordForm):
    email = EmailField(help_text=_("If there is an account with this address, we send a code to it."))


class _NewPassword:
    """One field for the new password: it can be shown while typing, and a reset is always possible."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"] = NewPasswordField(self.user)  # type: ignore[attr-defined]
        del self.fields["password2"]  # type: ignore[attr-defined]


class NewPasswordField(PasswordField):
    def __init__(self, user: User) -> None:
        super().__init__(autocomplete="new-password", label=_("New password"), help_text=NEW_PASSWORD_HINT)
        self.user = user

    def clean(self, value: Any) -> str:
        password = super().clean(value)
        return get_adapter().clean_password(password, user=self.user)


class NewPasswordForm(_NewPassword, account_forms.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(_NewPassword, account_forms.ChangePasswordForm):
    oldpassword = PasswordField(
        label=_("Current password"), error_messages={"required": _("Enter your current password.")}
    )
    field_order = ("oldpassword", "password1")


class ReauthenticateForm(account_forms.ReauthenticateForm):
    password = PasswordField(help_text=_("You are about to change how your account is protected."))


class ChangeEmailForm(account_forms.AddEmailForm):
    email = EmailField(
        label=_("New e-mail address"),
        help_text=_("We send a code to it. It replaces the present one once you entered that code."),
    )


class ChangePhoneForm(account_forms.ChangePhoneForm):
    """The number's field comes from the adapter."""


class _CountedCode:
    """At most three guesses at one code, however many arrive at the same instant (T16)."""

    def clean_code(self) -> str:
        expected = fingerprint(f"{context.request.session.session_key}:{self.expected_code}")  # type: ignore[attr-defined]
        if not limits.take(f"code:{expected}", slots=3, seconds=900):
            raise get_adapter().validation_error("incorrect_code")
        return super().clean_code()  # type: ignore[misc]


class ConfirmEmailForm(_CountedCode, account_forms.ConfirmEmailVerificationCodeForm):
    code = CodeField(label=_("Code from the e-mail"))


class ConfirmPhoneForm(_CountedCode, account_forms.VerifyPhoneForm):
    code = CodeField(label=_("Code from the text message"))


class ConfirmResetForm(_CountedCode, account_forms.ConfirmPasswordResetCodeForm):
    code = CodeField(label=_("Code from the e-mail"), inputmode="text")


FACTOR_LABEL = _("Code from your authenticator app, or a recovery code")


class FactorForm(factor_forms.AuthenticateForm):
    code = CodeField(label=FACTOR_LABEL)


class FactorAgainForm(factor_forms.ReauthenticateForm):
    code = CodeField(label=FACTOR_LABEL)


class ActivateTotpForm(totp_forms.ActivateTOTPForm):
    code = CodeField(label=_("Code that the app shows"))


class _NamedKey(forms.Form):
    """People tell their keys apart by name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        required = self.fields["name"].required
        self.fields["name"] = forms.CharField(
            label=_("Name of the key"), max_length=60, validators=[one_line], required=required
        )


# What parsing and checking a forged or broken answer of a key may raise, deep inside (T33).
BROKEN = (AttributeError, InvalidSignature, LookupError, TypeError, ValueError, struct.error)


class AddKeyForm(_NamedKey, key_forms.AddWebAuthnForm):
    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except BROKEN as error:
            raise get_adapter().validation_error("incorrect_code") from error


class _KeyAnswer:
    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except BROKEN as error:
            raise get_adapter().validation_error("incorrect_code") from error


class KeyForm(_KeyAnswer, key_forms.AuthenticateWebAuthnForm):
    pass


class KeyAgainForm(_KeyAnswer, key_forms.ReauthenticateWebAuthnForm):
    pass


class EditKeyForm(_NamedKey, key_forms.EditWebAuthnForm):
    pass


class StepUpCodeForm(forms.Form):
    """The code that stands in for a second factor."""

    code = CodeField(label=_("Code we sent you"), help_text=_("6 digits. It works for 10 minutes."))


class ChannelForm(forms.Form):
    """Where a step-up code goes: only to contact points that were confirmed."""

    channel = forms.ChoiceField(label=_("Where should we send the code?"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = []
        if user.phone_verified_at:
            choices.append(
                (Channel.SMS, _("By text message, to %(number)s") % {"number": f"…{user.phone_number[-3:]}"})
            )
        if user.email_verified_at:
            choices.append((Channel.EMAIL, _("By e-mail, to %(address)s") % {"address": user.email}))
        self.fields["channel"].choices = choices  # type: ignore[attr-defined]
        self.fields["channel"].initial = choices[0][0] if choices else None


class DetailsForm(forms.Form):
    """A person's own name and language."""

    full_name = SignUpForm.base_fields["full_name"]
    language = forms.ChoiceField(
        label=_("Language"), choices=Language.choices, help_text=_("For pages and for our messages to you.")
    )


class InviteForm(forms.Form):
    email = EmailField(help_text=_("We write to this address. Whoever holds it can join."))
    role = forms.ChoiceField(label=_("Role"), choices=MemberRole.choices, initial=MemberRole.MEMBER)


class MemberRoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=MemberRole.choices)


class StaffFilterForm(FilterForm):
    """Which members of staff to show."""

    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("All")), *Role.choices])


class GrantRoleForm(forms.Form):
    """An administrator gives a staff role to somebody who signs in here already."""

    email = EmailField(help_text=_("The person signs up first; then you give the role."))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class TokenForm(forms.Form):
    """An owner makes a token for one system."""

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        validators=[one_line],
        help_text=_("The system that will use it, so that you know it again in the list."),
        error_messages={"required": _("Enter a name.")},
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=TokenScope.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose what the token may do.")},
    )
    days = forms.TypedChoiceField(
        label=_("Ends after"),
        coerce=int,
        choices=[(30, _("30 days")), (90, _("90 days")), (365, _("a year"))],
        initial=90,
        help_text=_("Make the next one before that; both work side by side."),
    )

    def said(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "scopes", "days")}
