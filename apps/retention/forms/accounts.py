"""What owners choose about their account's data, and what officers type in of a customer's letter."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import CustomerAccount
from apps.retention.states import DepartureChoice

EFFECTS = {
    DepartureChoice.RETURN: _("Return it, then delete it: we make one file of it for you to download."),
    DepartureChoice.DELETE: _("Delete it: we have what we need."),
}


def _day(label: Any, help_text: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": _("Enter a date like 2026-03-05."), "required": _("Choose a day.")},
    )


class PeriodForm(forms.Form):
    """How long one kind of data is kept for an account."""

    period = forms.ChoiceField(
        label=_("How long shall we keep it?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a period."), "invalid_choice": _("Choose one of these periods.")},
    )

    def __init__(self, *args: Any, periods: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["period"].choices = periods  # type: ignore[attr-defined]


class DepartureForm(forms.Form):
    """An account leaves."""

    choice = forms.ChoiceField(
        label=_("What shall happen to the data?"),
        choices=list(EFFECTS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what happens to the data.")},
    )
    service_ends_on = _day(
        _("On which day does the service end?"),
        _("The first day without the service: from then on the data can only be read, for 30 days."),
    )


class LetterForm(DepartureForm):
    """An account leaves by a written request to us: which one, and when it was asked."""

    account = forms.CharField(
        label=_("Account id"),
        max_length=100,
        help_text=_("The customer’s number on the platform, as on its invoices."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    requested_on = _day(_("When did the request come?"), _("The day on which the letter or mail reached us."))
    field_order = ("account", "requested_on", "choice", "service_ends_on")

    def clean_account(self) -> CustomerAccount:
        found = CustomerAccount.objects.filter(platform_account_id=self.cleaned_data["account"].strip()).first()
        if found is None:
            raise forms.ValidationError(_("There is no customer account with this id in the portal."))
        return found
