"""Filters of the evidence pages. They live in the address."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.ledger.services import known_verbs


class EvidenceForm(forms.Form):
    """What to look for in the ledger: one kind of event, one object, one day."""

    verb = forms.ChoiceField(label=gettext_lazy("What happened"), required=False)
    target = forms.CharField(label=gettext_lazy("Object"), required=False, max_length=160)
    day = forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", auto_id="filter_%s", **kwargs)
        self.fields["verb"].choices = [("", _("Everything")), *((verb, verb) for verb in known_verbs())]

    def chosen(self) -> dict[str, Any]:
        """The filters that make sense; a value that is none is left out."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
