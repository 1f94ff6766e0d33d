"""Filters of the evidence pages. They live in the address."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.filters import FilterForm
from apps.ledger.services import known_verbs


class EvidenceForm(FilterForm):
    """What to look for in the ledger: one kind of event, one object, one day."""

    verb = forms.ChoiceField(label=gettext_lazy("What happened"), required=False)
    target = forms.CharField(label=gettext_lazy("Object"), required=False, max_length=160)
    day = forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What tells of legal holds is for those who may see them, and they look on the hold's own page.
        verbs = (verb for verb in known_verbs() if not verb.startswith("hold."))
        self.fields["verb"].choices = [("", _("Everything")), *((verb, verb) for verb in verbs)]


class OutboxForm(FilterForm):
    """How far the messages are."""

    STATES = [
        ("waiting", gettext_lazy("Waiting")),
        ("sent", gettext_lazy("Sent")),
        ("gave_up", gettext_lazy("Given up")),
    ]

    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = [("", _("All")), *self.STATES]
