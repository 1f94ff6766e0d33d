"""What officers choose in the queue: filters, and where on the board a request goes."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.filters import FilterForm
from apps.subject_requests.states import OFFERED, Status


class QueueForm(FilterForm):
    """The queue's filters. They live in the address, so a view of the queue can be kept and shared.

    No identifier of a person is asked for here: addresses stand in logs and histories.
    """

    DUE = [("overdue", gettext_lazy("Overdue")), ("week", gettext_lazy("Within 7 days"))]
    ASSIGNED = [("me", gettext_lazy("Mine")), ("nobody", gettext_lazy("Nobody"))]

    q = forms.CharField(
        label=gettext_lazy("Reference or account"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "data-search": "", "autocomplete": "off"}),
    )
    status = forms.ChoiceField(label=gettext_lazy("Status"), required=False)
    right = forms.ChoiceField(label=gettext_lazy("Right"), required=False)
    assigned = forms.ChoiceField(label=gettext_lazy("Assigned to"), required=False)
    due = forms.ChoiceField(label=gettext_lazy("Due"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["status"].choices = [("", _("All")), *((status.value, status.label) for status in Status)]
        self.fields["right"].choices = [("", _("All")), *((right.value, right.label) for right in OFFERED)]
        self.fields["assigned"].choices = [("", _("Anybody")), *self.ASSIGNED]
        self.fields["due"].choices = [("", _("Any time")), *self.DUE]


class MoveForm(forms.Form):
    """The lane of the board to which a request goes."""

    to = forms.ChoiceField(choices=Status.choices)
