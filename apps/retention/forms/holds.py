"""What officers type about legal holds."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import User
from apps.accounts.states import Role
from apps.core.errors import InvalidInput
from apps.core.filters import FilterForm
from apps.core.identities import Identity, detect, parse_identity
from apps.retention.services import HoldScope
from apps.retention.states import HoldReason, LiftReason, RevealReason

MAX_IDENTITIES = 50
CHOOSE = ("", gettext_lazy("Choose a reason"))  # a reason that is noted is never one that nobody chose
MAX_WORDS = 5000
SHOWN = (
    ("", gettext_lazy("In force")),
    ("overdue", gettext_lazy("Review overdue")),
    ("lifted", gettext_lazy("Lifted")),
    ("all", gettext_lazy("All")),
)


def _day(label: Any, help_text: Any = "", *, required: bool = False) -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        required=required,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={
            "invalid": gettext_lazy("Enter a date like 2026-03-05."),
            "required": gettext_lazy("Choose a day."),
        },
    )


class HoldForm(forms.Form):
    """A new hold: why, about what, and who looks after it."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Why must it stay?"),
        choices=HoldReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a reason.")},
    )
    words = forms.CharField(
        label=gettext_lazy("The reason in your own words"),
        help_text=gettext_lazy("Kept sealed. Colleagues at the desk can read it, and that is noted each time."),
        max_length=MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
        error_messages={
            "required": gettext_lazy("Write why this must stay."),
            "max_length": gettext_lazy("This is too long: at most %(limit_value)d characters."),
        },
    )
    lines = forms.CharField(
        label=gettext_lazy("Which person is it about?"),
        help_text=gettext_lazy(
            "E-mail addresses, phone numbers with country code, or references of one person. One on each line."
        ),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false", "dir": "auto"}),
        error_messages={"max_length": gettext_lazy("This is too long: at most %(limit_value)d characters.")},
    )
    account = forms.CharField(
        label=gettext_lazy("Which customer account?"),
        help_text=gettext_lazy("Its number on the platform. Rows that name no account are kept as well."),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )
    collections = forms.MultipleChoiceField(
        label=gettext_lazy("Which kinds of data?"),
        help_text=gettext_lazy("None chosen means all."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": gettext_lazy("One of these kinds is not on the map any more.")},
    )
    from_on = _day(gettext_lazy("From which day on?"), gettext_lazy("What is older may go."))
    until_on = _day(gettext_lazy("Until which day?"), gettext_lazy("This day is held too. What is newer may go."))
    owner = forms.ChoiceField(
        label=gettext_lazy("Who looks after it?"), help_text=gettext_lazy("This officer is reminded of the review.")
    )
    review_on = _day(
        gettext_lazy("When is it reviewed?"), gettext_lazy("Twelve months from today at the latest."), required=True
    )

    def __init__(self, *args: Any, user: Any, names: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        officers = User.objects.filter(is_active=True, staff_roles__role=Role.OFFICER).order_by("full_name", "pk")
        self.officers = {str(officer.pk): officer for officer in officers}
        self.fields["owner"].choices = [(key, one.get_full_name()) for key, one in self.officers.items()]
        self.fields["owner"].initial = str(user.pk)
        self.fields["collections"].choices = sorted(names.items(), key=lambda one: one[1].casefold())
        self.identities: list[Identity] = []

    def clean_owner(self) -> User:
        return self.officers[self.cleaned_data["owner"]]

    def clean_account(self) -> str:
        return str(self.cleaned_data["account"]).strip()

    def clean_lines(self) -> str:
        text: str = self.cleaned_data["lines"]
        errors: list[str] = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    self._take(parse_identity(detect(line.strip()), line.strip()))
                except InvalidInput as error:
                    errors.append(_("Line %(number)d:") % {"number": number} + f" {error.message}")
        if len(self.identities) > MAX_IDENTITIES:
            errors.append(_("Enter at most %(max)d lines.") % {"max": MAX_IDENTITIES})
        if errors:
            raise ValidationError(errors)
        return text

    def _take(self, identity: Identity) -> None:
        if identity not in self.identities:
            self.identities.append(identity)

    @property
    def scope(self) -> HoldScope:
        """What was typed, as the service takes it."""
        data = self.cleaned_data
        return HoldScope(
            tuple(self.identities), data["account"], tuple(data["collections"]), data["from_on"], data["until_on"]
        )


class ReviewForm(forms.Form):
    review_on = _day(
        gettext_lazy("When is it reviewed next?"),
        gettext_lazy("Twelve months from today at the latest."),
        required=True,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", auto_id="review_%s", **kwargs)


class RevealForm(forms.Form):
    reason = forms.ChoiceField(
        label=gettext_lazy("Why do you need to read it?"),
        choices=[CHOOSE, *RevealReason.choices],
        error_messages={"required": gettext_lazy("Choose a reason.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", auto_id="reveal_%s", **kwargs)


class LiftForm(forms.Form):
    """Why a hold ends: asked in the address, so that the question can be asked before the step is taken."""

    why = forms.ChoiceField(
        label=gettext_lazy("Why does it end?"),
        choices=[CHOOSE, *LiftReason.choices],
        error_messages=dict.fromkeys(("required", "invalid_choice"), gettext_lazy("Choose why the hold ends.")),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", auto_id="lift_%s", **kwargs)


class HoldFilterForm(FilterForm):
    q = forms.CharField(label=gettext_lazy("Reference"), required=False, max_length=20)
    show = forms.ChoiceField(label=gettext_lazy("Show"), choices=SHOWN, required=False)
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"), choices=[("", gettext_lazy("All reasons")), *HoldReason.choices], required=False
    )
