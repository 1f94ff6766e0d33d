"""The questions of a new request: parsed, checked, and never lost."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.models import CustomerAccount
from apps.core.errors import InvalidInput
from apps.core.identities import Identity, IdentityType, detect, parse_identity
from apps.subject_requests.presentation import RIGHTS
from apps.subject_requests.states import About, Right

MAX_IDENTITIES = 50


def _choice(name: str, explanation: str) -> str:
    return format_html('<strong class="d-block">{}</strong><span class="soft">{}</span>', name, explanation)


class QuestionForm(forms.Form):
    """One question, one page. `answer()` is what the draft keeps; `initial` comes back from it."""

    def __init__(self, *args: Any, accounts: Sequence[CustomerAccount] = (), today: date, **kwargs: Any) -> None:
        self.accounts, self.today = accounts, today
        super().__init__(*args, label_suffix="", **kwargs)

    @classmethod
    def initial_from(cls, answer: Any) -> dict[str, Any]:
        return dict.fromkeys(cls.base_fields, answer)

    short_label: Any = ""

    def answer(self) -> Any:
        """The single field's value, JSON-able."""
        (value,) = self.cleaned_data.values()
        return value

    def in_words(self, answer: Any) -> list[str]:
        """The answer as the check page shows it, a line each."""
        return [str(answer)]


class RightForm(QuestionForm):
    short_label = gettext_lazy("What you ask")
    right = forms.ChoiceField(
        label=gettext_lazy("What do you want us to do?"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose what you want us to do.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["right"].choices = [
            (
                Right.ACCESS.value,
                _choice(
                    _("Give a copy of the data"),
                    _("One file with everything we hold, where it came from and who received it."),
                ),
            ),
            (
                Right.ERASURE.value,
                _choice(
                    _("Erase the data"),
                    _("What no law or strong reason protects goes. You are told what stays, why and until when."),
                ),
            ),
        ]

    def in_words(self, answer: Any) -> list[str]:
        return [str(RIGHTS[Right(answer)])]


class AboutForm(QuestionForm):
    short_label = gettext_lazy("Whose data")
    about = forms.ChoiceField(
        label=gettext_lazy("Whose data is it about?"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose whose data it is about.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["about"].choices = [
            (
                About.OWN.value,
                _choice(_("Mine"), _("What we hold about you. Your colleagues do not see this request.")),
            ),
            (
                About.END_USER.value,
                _choice(_("An end user’s"), _("Somebody your company sent messages to or received messages from.")),
            ),
        ]

    def in_words(self, answer: Any) -> list[str]:
        return [_("An end user’s") if answer == About.END_USER else _("Mine")]


class AccountForm(QuestionForm):
    short_label = gettext_lazy("Account")
    account = forms.ChoiceField(
        label=gettext_lazy("Which of your accounts is it about?"),
        help_text=gettext_lazy("We search this account and no other."),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose an account.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = [(str(account.pk), account.name) for account in self.accounts]

    def in_words(self, answer: Any) -> list[str]:
        return [account.name for account in self.accounts if str(account.pk) == answer]


class IdentifiersForm(QuestionForm):
    short_label = gettext_lazy("The person")
    lines = forms.CharField(
        label=gettext_lazy("How do we find this person?"),
        help_text=gettext_lazy(
            "E-mail addresses, phone numbers with country code, or your own references. One on each line."
        ),
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false", "dir": "auto"}),
        max_length=20_000,
        strip=False,
        error_messages={
            "required": gettext_lazy("Enter at least one e-mail address, phone number or reference."),
            "max_length": gettext_lazy("This is too long: at most %(limit_value)d characters."),
        },
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("What are these lines?"),
        help_text=gettext_lazy("Change this only if we mistake one thing for another."),
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.identities: list[Identity] = []
        self.fields["kind"].choices = [
            ("", _("Work it out line by line")),
            *((kind.value, kind.label) for kind in IdentityType),
        ]

    @classmethod
    def initial_from(cls, answer: Any) -> dict[str, Any]:
        return answer or {}

    def clean_lines(self) -> str:
        text: str = self.cleaned_data["lines"]
        typed = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if not typed:
            raise ValidationError(self.fields["lines"].error_messages["required"])
        if len(typed) > MAX_IDENTITIES:
            raise ValidationError(
                ngettext("Enter at most %(max)d line.", "Enter at most %(max)d lines.", MAX_IDENTITIES)
                % {"max": MAX_IDENTITIES}
            )
        self._typed = typed
        return text

    def clean(self) -> dict[str, Any]:
        errors: list[str] = []
        for number, line in getattr(self, "_typed", []):
            try:
                identity = parse_identity(self.cleaned_data.get("kind") or detect(line), line)
            except InvalidInput as error:
                place = _("Line %(number)d, “%(text)s”:") % {"number": number, "text": _excerpt(line)}
                errors.append(f"{place} {error.message}")
            else:
                if identity not in self.identities:
                    self.identities.append(identity)
        if errors:
            self.add_error("lines", errors)
        return self.cleaned_data

    def answer(self) -> dict[str, Any]:
        return {
            "lines": self.cleaned_data["lines"],
            "kind": self.cleaned_data["kind"],
            "identities": [[identity.type.value, identity.value] for identity in self.identities],
        }

    def in_words(self, answer: Any) -> list[str]:
        return [f"{IdentityType(kind).label}: \u2068{value}\u2069" for kind, value in answer["identities"]]


class AskedForm(QuestionForm):
    short_label = gettext_lazy("Asked you on")
    asked_on = forms.DateField(
        label=gettext_lazy("When did the person ask you?"),
        help_text=gettext_lazy(
            "Optional. If you tell us, we show your own deadline towards the person beside ours towards you."
        ),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": gettext_lazy("Enter a date like 2026-03-05, or leave it empty.")},
    )

    def clean_asked_on(self) -> date | None:
        asked_on: date | None = self.cleaned_data["asked_on"]
        if asked_on and asked_on > self.today:
            raise ValidationError(_("This day is still to come. Enter the day on which the person asked."))
        if asked_on and asked_on.year < self.today.year - 5:
            raise ValidationError(_("This is more than five years ago. Check the year."))
        return asked_on

    def answer(self) -> str:
        asked_on = self.cleaned_data["asked_on"]
        return asked_on.isoformat() if asked_on else ""

    def in_words(self, answer: Any) -> list[str]:
        return [formats.date_format(date.fromisoformat(answer), "DATE_FORMAT") if answer else _("Not given")]


class SendForm(forms.Form):
    """The last word before sending. For an end user the customer states that it may ask (domain: Verification)."""

    authority = forms.BooleanField(
        label=gettext_lazy("My company decides about this person’s data, and may give this instruction"),
        error_messages={"required": gettext_lazy("Confirm that your company may give this instruction.")},
    )

    def __init__(self, *args: Any, needs_authority: bool, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        if not needs_authority:
            del self.fields["authority"]


def _excerpt(line: str) -> str:
    return line if len(line) <= 40 else line[:39] + "…"
