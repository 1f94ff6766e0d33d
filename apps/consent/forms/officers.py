"""Whose history an officer looks for."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.errors import InvalidInput
from apps.core.identities import LABELS, IdentityType, parse_identity

KEY = re.compile(r"^[A-Za-z0-9_:-]{1,64}$")
SUBJECT = "subject_key"


class SubjectForm(forms.Form):
    """What is typed here is posted, never part of an address."""

    kind = forms.ChoiceField(
        label=_("Look for"),
        choices=[(kind.value, LABELS[kind]) for kind in IdentityType] + [(SUBJECT, _("Subject key"))],
    )
    value = forms.CharField(
        label=_("Value"),
        max_length=254,
        help_text=_("An address or a number is turned into its key here: no link and no log holds what you type."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        kind, value = said.get("kind"), said.get("value")
        if not kind or not value:
            return said
        if kind == SUBJECT:
            if not KEY.match(value):
                self.add_error("value", _("A subject key has at most 64 letters, digits, colons and hyphens."))
            return said
        try:
            said["identity"] = parse_identity(kind, value, field="value")
        except InvalidInput as error:
            self.add_error("value", error.message)
        return said
