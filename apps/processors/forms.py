"""What an administrator writes about an engagement."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.core.countries import country_choices
from apps.core.filters import FilterForm
from apps.processors.models import Engagement
from apps.processors.states import Capacity, Mechanism


def one_line(value: str) -> None:
    """Names go into pages and files of others: no line breaks, control characters or tricks with direction (T33)."""
    if not value.isprintable():
        raise ValidationError(_("Enter this on one line, in ordinary letters."))


class EngagementFilterForm(FilterForm):
    """What to look for on the list: a company or a service, a role."""

    q = forms.CharField(
        label=_("Company or service"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("All")), *Capacity.choices])


def _countries() -> list[tuple[str, Any]]:
    return [("", _("Choose a country")), *country_choices()]


def _countries_or_none() -> list[tuple[str, Any]]:
    return [("", _("Nowhere else")), *country_choices()]


class EngagementForm(forms.Form):
    name = forms.CharField(label=_("Company"), max_length=120, validators=[one_line])
    service = forms.CharField(
        label=_("Service"), max_length=200, validators=[one_line], help_text=_("What it does for us, in a few words.")
    )
    capacity = forms.ChoiceField(label=_("Role"), choices=Capacity, widget=forms.RadioSelect)
    country = forms.ChoiceField(
        label=_("Location"), choices=_countries, help_text=_("Where the company keeps the data.")
    )
    remote_country = forms.ChoiceField(
        label=_("Accessed from"),
        choices=_countries_or_none,
        required=False,
        help_text=_("Access from outside the EEA is a transfer too."),
    )
    mechanism = forms.ChoiceField(
        label=_("Transfer mechanism"),
        choices=[("", _("None: the data stays inside the EEA")), *Mechanism.choices],
        required=False,
        help_text=_("Outside the EEA nobody is approved without one that is valid today."),
    )
    is_listed = forms.BooleanField(
        label=_("I looked: the company is on the Data Privacy Framework list"), required=False
    )
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, validators=[one_line], help_text=_("For colleagues.")
    )
    seen_version = forms.IntegerField(min_value=0, max_value=100_000, widget=forms.HiddenInput)

    @classmethod
    def of(cls, engagement: Engagement) -> "EngagementForm":
        """The form, filled with that version."""
        content = {name: getattr(engagement, name) for name in Engagement.CONTENT}
        return cls(initial=content | {"name": engagement.processor.name, "seen_version": engagement.version})

    @property
    def content(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in Engagement.CONTENT}
