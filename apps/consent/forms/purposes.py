"""What an administrator writes about a purpose, and its words in three languages, place by place."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.consent.models import Purpose
from apps.consent.services.purposes import LANGUAGES, Bodies, Content
from apps.consent.states import Basis

NAMES = {"en": _("English"), "nl": _("Dutch"), "ar": _("Arabic")}
PLACES = {
    "title": _("Title"),
    "summary": _("What it is"),
    "data": _("Which data"),
    "sources": _("Where it comes from"),
    "recipients": _("Who receives it"),
    "personas": _("Which groups it makes"),
    "effect": _("What a yes brings about"),
    "ending": _("How to end it, and what happens then"),
}
USUAL = ("title", "summary", "data", "effect", "ending")
KINDS = [
    ("material", _("It means something else: whoever said yes is asked again")),
    ("editorial", _("It says the same in other words: nobody is asked again")),
]


def readable(value: str) -> None:
    """Words go into pages of others: no control characters or tricks with direction (T33)."""
    if not all(letter.isprintable() or letter in "\r\n" for letter in value):
        raise ValidationError(_("Enter this in ordinary letters."))


class LinesField(forms.CharField):
    """One name a line, into a list."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=4_000, required=False, validators=[readable], widget=forms.Textarea(attrs={"rows": 4}), **kwargs
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    @staticmethod
    def split(text: str) -> list[str]:
        return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


class PurposeForm(forms.Form):
    """For a purpose that is there: its key and its basis stay. `places` are those of its words."""

    kind = forms.ChoiceField(label=_("This change"), choices=KINDS, widget=forms.RadioSelect)
    validity = forms.CharField(
        label=_("Asked again after"),
        max_length=20,
        required=False,
        help_text=_(
            "A period like P6M or P2Y; nothing: a yes holds until it is withdrawn. It is no period for keeping."
        ),
    )
    data_categories = LinesField(
        label=_("Data categories"), help_text=_("Names of the data map’s taxonomy, one a line: user.contact.email.")
    )
    recipients = LinesField(
        label=_("Recipients"), help_text=_("Companies of the register of processors, one a line, as it writes them.")
    )
    is_marketing = forms.BooleanField(label=_("It is direct marketing: an objection to that ends it"), required=False)
    seen_version = forms.IntegerField(min_value=0, max_value=100_000, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, places: tuple[str, ...] = USUAL, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.places = places
        for language in LANGUAGES:
            for place in places:
                self.fields[f"{language}_{place}"] = self._words(language, place)

    @staticmethod
    def _words(language: str, place: str) -> forms.CharField:
        label = _("%(place)s (%(language)s)")
        said = {"place": PLACES.get(place, place), "language": NAMES[language]}
        attrs = {"lang": language, "dir": "rtl" if language == "ar" else "ltr", "rows": 1 if place == "title" else 3}
        return forms.CharField(
            label=_Told(label, said), max_length=2_000, validators=[readable], widget=forms.Textarea(attrs=attrs)
        )

    @classmethod
    def of(cls, purpose: Purpose, bodies: Bodies, version: int, data: Any = None) -> "PurposeForm":
        """The form for what stands now, filled with it."""
        names = ("validity", "data_categories", "recipients", "is_marketing")
        initial = {name: getattr(purpose, name) for name in names} | {"seen_version": version}
        initial |= {f"{language}_{place}": words for language, body in bodies.items() for place, words in body.items()}
        written = {place for body in bodies.values() for place in body}
        places = tuple(place for place in PLACES if place in written) or USUAL
        return cls(data, places=(*places, *sorted(written - set(PLACES))), initial=initial)

    @property
    def content(self) -> Content:
        said = self.cleaned_data
        categories, recipients = (LinesField.split(said[name]) for name in ("data_categories", "recipients"))
        return Content(said["validity"], categories, recipients, said["is_marketing"])

    @property
    def bodies(self) -> dict[str, dict[str, str]]:
        said = self.cleaned_data
        return {
            language: {place: " ".join(said[f"{language}_{place}"].split()) for place in self.places}
            for language in LANGUAGES
        }


class NewPurposeForm(PurposeForm):
    """A purpose that is new: its words are the first ones."""

    key = forms.SlugField(
        label=_("Key"), max_length=40, help_text=_("Lower-case letters, digits and underscores. It never changes.")
    )
    basis = forms.ChoiceField(label=_("Legal basis"), choices=Basis, widget=forms.RadioSelect)
    field_order = ("key", "basis", "validity", "data_categories", "recipients", "is_marketing")

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, initial={"seen_version": 0}, **kwargs)
        del self.fields["kind"]
        self.order_fields(self.field_order)

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if not key.isascii() or key != key.lower() or "-" in key or key == "new":
            raise ValidationError(_("Enter lower-case letters, digits and underscores."))
        return key


class _Told:
    """A label whose parts are translated when it is drawn."""

    def __init__(self, template: Any, said: dict[str, Any]) -> None:
        self.template, self.said = template, said

    def __str__(self) -> str:
        return str(self.template) % {name: str(value) for name, value in self.said.items()}
