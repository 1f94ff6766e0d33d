"""What every yes has in common: the words it is said to, and a box that nobody ticks but the person (CON-1)."""

import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


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
