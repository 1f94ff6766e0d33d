"""Which sweeps the list shows."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.filters import FilterForm
from apps.retention.states import SweepStatus


class SweepFilterForm(FilterForm):
    status = forms.ChoiceField(label=_("Status"), required=False)
    since = forms.DateField(
        label=_("Since"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["status"].choices = [("", _("All")), *SweepStatus.choices]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """The filters that make sense, in the form the address has them in."""
        found = super().chosen()
        return found | ({"since": found["since"].isoformat()} if "since" in found else {})
