"""What every yes has in common: the words it is said to, and a box that nobody ticks but the person (CON-1)."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import IdentityType, parse_identity

DIRECTION_MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class AnswerForm(forms.Form):
    """A yes to one purpose. `text` is the digest of the words on the page."""

    text = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, text: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].initial = text

    def refuse(self, error: DomainError) -> None:
        """Say no beside what caused it, where the form shows such a field; else on top."""
        field = getattr(error, "field", None)
        is_shown = field in self.fields and field != "text"
        self.add_error(field if is_shown else None, error.message)
        if field == "text":  # the page shows the new words, and a yes to them is another one
            self.data = self.data.copy()
            self.data[self.add_prefix("text")] = self.fields["text"].initial
            self.data.pop(self.add_prefix("agree"), None)


def agreement(label: Any) -> forms.BooleanField:
    """The box, never ticked before."""
    return forms.BooleanField(
        label=label,
        error_messages={"required": _("Tick the box if you agree. Without it nothing is saved.")},
    )


def plain_digits(text: str) -> str:
    """Digits of any script as ASCII: an Arabic keyboard has its own."""
    return "".join(str(unicodedata.decimal(letter, letter)) for letter in text)


def one_line(value: str) -> None:
    """A name stands in mails and on pages: no line breaks, control characters or tricks with direction (T33)."""
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in DIRECTION_MARKS for letter in value):
        raise ValidationError(_("Enter this on one line, in ordinary letters."))


class AddressField(forms.CharField):
    """An e-mail address in its canonical form."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("E-mail address"))
        kwargs.setdefault("error_messages", {"required": _("Enter an e-mail address.")})
        widget = forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"})
        super().__init__(max_length=254, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        try:
            return parse_identity(IdentityType.EMAIL, super().clean(value), field="email").value
        except InvalidInput as error:
            raise ValidationError(error.message) from error
