"""What an administrator writes about a rule, and a file of rules."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import DomainError, InvalidInput
from apps.core.filters import FilterForm
from apps.retention.models import Rule
from apps.retention.periods import Event
from apps.retention.rule_files import MAX_CHARACTERS
from apps.retention.services import RuleErrors
from apps.retention.states import Action, Basis, Capacity, Kind

LISTS = ("collections", "categories")
KIND_FIELDS = {"is_limit": Kind.LIMIT, "is_duty": Kind.DUTY, "is_interest": Kind.INTEREST}


def one_line(value: str) -> None:
    """These texts go into pages and files of others: no line breaks, no tricks with direction (T33)."""
    if not value.isprintable():
        raise ValidationError(_("Enter this on one line, in ordinary letters."))


def _text(label: Any, help_text: Any = "", *, longest: int, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, max_length=longest, required=required, validators=[one_line]
    )


def _words(label: Any, help_text: Any, rows: int) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": rows})
    )


class RuleFilterForm(FilterForm):
    """What to look for in the register of rules."""

    q = forms.CharField(
        label=gettext_lazy("Rule or data"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[
            ("", gettext_lazy("All")),
            ("limit", gettext_lazy("Limit")),
            ("duty", gettext_lazy("Duty")),
            ("interest", gettext_lazy("Interest")),
        ],
    )


class RuleForm(forms.Form):
    """All that a rule says. What the fields alone can’t show the service refuses, and `refuse` puts it beside them."""

    key = _text(gettext_lazy("Key"), gettext_lazy("Small letters, digits and “_”. It stays for ever."), longest=60)
    description = _text(gettext_lazy("What data"), gettext_lazy("By example."), longest=300)
    data_family = _text(gettext_lazy("Family of data"), gettext_lazy("For example: account, traffic."), longest=40)
    is_limit = forms.BooleanField(label=gettext_lazy("Limit: it must go afterwards"), required=False)
    is_duty = forms.BooleanField(label=gettext_lazy("Duty: the law says that it must stay until then"), required=False)
    is_interest = forms.BooleanField(
        label=gettext_lazy("Interest: it stays until then against an erasure, open to objection"), required=False
    )
    period = _text(
        gettext_lazy("Retention period"),
        gettext_lazy("As in ISO 8601: P6M is six months, P30D thirty days."),
        longest=20,
    )
    max_period = _text(
        gettext_lazy("Longest period"), gettext_lazy("What a rule of one country may lengthen it to."), longest=20
    )
    starts_at = forms.ChoiceField(label=gettext_lazy("The period starts"), choices=Event)
    action = forms.ChoiceField(label=gettext_lazy("Afterwards the data is"), choices=Action, widget=forms.RadioSelect)
    legal_basis = forms.ChoiceField(
        label=gettext_lazy("Legal basis"), choices=Basis, help_text=gettext_lazy("GDPR Article 6(1).")
    )
    capacity = forms.ChoiceField(label=gettext_lazy("We act as"), choices=Capacity)
    why = _words(gettext_lazy("Why that long"), gettext_lazy("Of an interest: the balancing note."), 3)
    citation = _text(
        gettext_lazy("Act and article"),
        gettext_lazy("For a duty and for a rule of one country."),
        longest=300,
        required=False,
    )
    source = _text(gettext_lazy("Source"), gettext_lazy("“statement”, or “ours”."), longest=40)
    region = _text(gettext_lazy("Region"), gettext_lazy("“any”, “eea”, or the two letters of a country."), longest=20)
    extends = _text(
        gettext_lazy("Lengthens the rule"),
        gettext_lazy("Only for a rule of one country outside the EEA: the key of the rule for everybody."),
        longest=60,
        required=False,
    )
    reviewed_on = forms.DateField(
        label=gettext_lazy("Reviewed by counsel on"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=gettext_lazy("For a rule of one country."),
        error_messages={"invalid": gettext_lazy("Enter a date like 2026-03-05.")},
    )
    collections = _words(
        gettext_lazy("Collections"),
        gettext_lazy("One a line, as dataset:collection, besides those that name the rule on the data map."),
        2,
    )
    categories = _words(
        gettext_lazy("Categories"),
        gettext_lazy("One a line. With categories it is a limit on the columns that hold them, and runs on its own."),
        2,
    )
    base_version = forms.IntegerField(min_value=0, max_value=1_000_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, key: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key  # of the rule that is changed; empty: a new one
        if key:
            del self.fields["key"]

    @classmethod
    def of(cls, rule: Rule) -> "RuleForm":
        """The form, filled with the version in force."""
        said = {name: getattr(rule, name) for name in Rule.FACTS} | {"base_version": rule.version}
        return cls(initial=said | {name: "\n".join(said[name]) for name in LISTS}, key=rule.key)

    @classmethod
    def empty(cls) -> "RuleForm":
        """The form of a new rule."""
        return cls(initial={"base_version": 0, "region": Rule.ANY_REGION, "source": "ours", "is_limit": True})

    @property
    def content(self) -> dict[str, Any]:
        """What the rule is to say, as `Rule.content`."""
        said: Mapping[str, Any] = self.cleaned_data
        found = {name: said.get(name) for name in Rule.FACTS if name not in ("key", "version")}
        found |= {name: [line.strip() for line in said[name].splitlines() if line.strip()] for name in LISTS}
        found["reviewed_on"] = said["reviewed_on"].isoformat() if said["reviewed_on"] else None
        return found | {"key": self.proposed_key}

    @property
    def proposed_key(self) -> str:
        return self.key or str(self.cleaned_data["key"])

    def refuse(self, error: DomainError) -> None:
        """Put what the service refuses beside its field."""
        told = error.errors if isinstance(error, RuleErrors) else [(_field_of(error), error.message)]
        for name, message in told:
            self.add_error(name if name in self.fields else None, message)


def _field_of(error: DomainError) -> str:
    return error.field if isinstance(error, InvalidInput) else ""


class RuleFileForm(forms.Form):
    """A file of rules, or the text of one that was read already."""

    file = forms.FileField(
        label=gettext_lazy("File of rules (YAML)"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".yml,.yaml", "class": "mw-100"}),
    )
    text = forms.CharField(
        label=gettext_lazy("Or its text"),
        required=False,
        max_length=MAX_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "dir": "ltr", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        """The file's text takes the place of what stands in the box, where it can be corrected."""
        said = super().clean() or {}
        file = said.get("file")
        if file is not None:
            said["text"] = _decoded(file)
        if not said.get("text", "").strip() and not self.errors:
            raise ValidationError({"file": _("Choose a file, or paste its text.")})
        return said


def _decoded(file: Any) -> str:
    if file.size > MAX_CHARACTERS:
        raise ValidationError({"file": _("The file is too large.")})
    try:
        return str(file.read().decode("utf-8"))
    except UnicodeDecodeError:
        raise ValidationError({"file": _("The file is not a text in UTF-8.")}) from None
