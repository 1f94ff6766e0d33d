"""What a visitor chooses on the page of cookies, and what an administrator writes into the register."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from apps.cookies.lifetimes import PATTERN
from apps.cookies.models import LONGEST_VALIDITY, Cookie, RegisterVersion, Site
from apps.cookies.states import LANGUAGES, OPTIONAL, Category, Duration, Kind
from apps.core.filters import FilterForm
from apps.processors.models import Processor

HOST = r"\.?([a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}"
LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
SITE_HOST = rf"({LABEL}\.)*(?![0-9]+\Z){LABEL}"  # no address of numbers: no cookie has one for its domain
MOST_HOSTS, LONGEST_HOST = 50, 120  # as an entry of the register holds it
TONGUES = {"en": "English", "nl": "Nederlands", "ar": "العربية"}


def one_line(value: str) -> None:
    """Names go into pages of others: no line breaks, control characters or tricks with direction (T33)."""
    if not value.isprintable():
        raise ValidationError(_("Enter this on one line, in ordinary letters."))


def host_name(value: str) -> None:
    if not re.fullmatch(HOST, value):
        raise ValidationError(_("Enter a host name such as www.example.com, or .example.com for all hosts below it."))


class ChoiceForm(forms.Form):
    """One press of a button. `text` is the digest of the words on the page, so that the proof says what was read."""

    ACTIONS = ("accept", "reject", "choose", "withdraw")

    action = forms.ChoiceField(choices=[(action, action) for action in ACTIONS])
    text = forms.RegexField(r"^[0-9a-f]{64}$")
    performance = forms.BooleanField(required=False)
    functional = forms.BooleanField(required=False)
    marketing = forms.BooleanField(required=False)

    @property
    def answers(self) -> dict[str, bool]:
        """Each optional category with yes or no."""
        action = self.cleaned_data["action"]
        if action == "choose":
            return {category.value: self.cleaned_data[category.value] for category in OPTIONAL}
        return {category.value: action == "accept" for category in OPTIONAL}

    def language(self, version: RegisterVersion) -> str | None:
        """The language of the words that were read; None where they are not those of this version."""
        digest = self.cleaned_data["text"]
        return next((language for language, each in version.texts.items() if each == digest), None)


class CookieFilterForm(FilterForm):
    """What to look for in the register: words, a site, a category."""

    q = forms.CharField(
        label=_("Name or host"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    site = forms.ChoiceField(label=_("Site"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False, choices=[("", _("All")), *Category.choices])

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["site"].choices = [("", _("All")), *_sites()]


def _sites() -> list[tuple[str, str]]:
    return list(Site.objects.order_by("name").values_list("key", "name"))


def _words(label: Any, language: str) -> forms.CharField:
    """One text in one language; the field says which, to the browser as well."""
    attributes = {"rows": 2, "lang": language, "dir": "rtl" if language == "ar" else "ltr"}
    return forms.CharField(
        label=format_lazy("{} ({})", label, TONGUES[language]),
        max_length=500,
        validators=[one_line],
        widget=forms.Textarea(attrs=attributes),
    )


class EntryForm(forms.Form):
    site = forms.ChoiceField(label=_("Site"))
    kind = forms.ChoiceField(label=_("What it is"), choices=Kind)
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        validators=[one_line],
        help_text=_("As the browser shows it. * stands for any letters: _ga_*"),
    )
    host = forms.CharField(
        label=_("Host"),
        max_length=120,
        validators=[host_name],
        help_text=_("Where it is kept. A dot in front means all hosts below: .example.com"),
    )
    party = forms.ChoiceField(
        label=_("Whose"),
        choices=[("first", _("First-party: set by our own site")), ("third", _("Third-party: set by another company"))],
        widget=forms.RadioSelect,
    )
    processor = forms.ModelChoiceField(
        Processor.objects.order_by("name"),
        label=_("Company that gets the data"),
        required=False,
        empty_label=_("Nobody but us"),
        help_text=_("From the register of processors. A third party has to be named."),
    )
    category = forms.ChoiceField(label=_("Category"), choices=Category, widget=forms.RadioSelect)
    duration = forms.ChoiceField(label=_("How long"), choices=Duration, widget=forms.RadioSelect)
    lifetime = forms.RegexField(
        PATTERN,
        label=_("Lifetime"),
        max_length=20,
        required=False,
        help_text=_("As ISO 8601: P1Y is a year, P6M six months, P30D thirty days, PT30M half an hour."),
        error_messages={"invalid": _("Enter a duration such as P6M or PT30M.")},
    )
    request_hosts = forms.CharField(
        label=_("Hosts that pages ask because of it"),
        max_length=1000,
        required=False,
        help_text=_("Host names with spaces between them. A scan reports hosts that no entry names."),
    )
    purpose_en, purpose_nl, purpose_ar = (_words(_("Purpose"), language) for language in LANGUAGES)
    changes_meaning = forms.BooleanField(
        label=_("The purpose means something else than before: ask everybody again"), required=False
    )
    refusing_en, refusing_nl, refusing_ar = (_words(_("What refusing means"), language) for language in LANGUAGES)
    seen_version = forms.IntegerField(min_value=0, max_value=100_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, line: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if line:
            del self.fields["site"]  # an entry stays with its site
        else:
            self.fields["site"].choices = _sites()

    @classmethod
    def of(cls, cookie: Cookie) -> "EntryForm":
        """The form, filled with that version."""
        plain = ("kind", "name", "host", "processor", "category", "duration", "lifetime")
        initial = {name: getattr(cookie, name) for name in plain} | {"seen_version": cookie.version}
        initial |= {"party": "third" if cookie.is_third_party else "first"}
        initial |= {"request_hosts": " ".join(cookie.request_hosts)}
        initial |= {"changes_meaning": cookie.is_draft and cookie.changes_meaning}
        for language in LANGUAGES:
            initial[f"purpose_{language}"] = cookie.purpose.get(language, "")
            initial[f"refusing_{language}"] = cookie.refusing.get(language, "")
        return cls(initial=initial, line=cookie.line)

    def clean_request_hosts(self) -> list[str]:
        hosts: list[str] = self.cleaned_data["request_hosts"].split()
        for host in hosts:
            host_name(host)
        return sorted(set(hosts))

    @property
    def content(self) -> dict[str, Any]:
        """What `save_entry` takes."""
        said = self.cleaned_data
        plain = ("kind", "name", "host", "processor", "category", "duration", "lifetime", "request_hosts")
        return {
            **{name: said[name] for name in (*plain, "changes_meaning")},
            "is_third_party": said["party"] == "third",
            "purpose": {language: said[f"purpose_{language}"] for language in LANGUAGES},
            "refusing": {language: said[f"refusing_{language}"] for language in LANGUAGES},
        }


def _code(label: Any, hint: Any, **attributes: Any) -> dict[str, Any]:
    """What a field for host names and the like takes: written from left to right, and corrected by no keyboard."""
    plain = {"dir": "ltr", "autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
    widget = forms.Textarea if "rows" in attributes else forms.TextInput
    return {"label": label, "help_text": hint, "widget": widget(attrs=plain | attributes)}


class SiteForm(forms.Form):
    """A site. `seen` (`services.seen_of`) stands for what it said when the form was opened; a new one has a key."""

    key = forms.RegexField(
        r"^[a-z0-9]+([-_][a-z0-9]+)*\Z",
        max_length=40,
        error_messages={"invalid": _("Enter small letters and digits, with hyphens between them.")},
        **_code(
            _("Key of the site"),
            _("Stands in the snippet on the site’s pages, such as “shop”. It can’t be changed later."),
        ),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        validators=[one_line],
        help_text=_("For colleagues. The banner names the hosts."),
    )
    hosts = forms.CharField(
        max_length=13_000,
        **_code(
            _("Host names"),
            _("One a line, without https:// or a port. Their pages share a register and may send choices from now on."),
            rows=5,
        ),
    )
    cookie_domain = forms.CharField(
        max_length=100,
        required=False,
        **_code(
            _("Domain of the cookie"),
            _(
                "Such as example.com, so that www.example.com and shop.example.com share a choice. Without it each "
                "host asks for itself. It can’t be changed once the register was published."
            ),
        ),
    )
    languages = forms.MultipleChoiceField(
        label=_("Languages of the banner"),
        choices=list(TONGUES.items()),
        initial=LANGUAGES,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A page in another language gets the first of these."),
    )
    validity_months = forms.IntegerField(
        label=_("Asked again after (months)"),
        min_value=1,
        max_value=LONGEST_VALIDITY,
        initial=6,
        help_text=_("1 to 12, for yes and no alike. The French authority, CNIL, advises six months."),
    )
    seen = forms.RegexField(r"^[0-9a-f]{64}\Z", widget=forms.HiddenInput)

    def __init__(self, *args: Any, site: Site | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site
        del self.fields["key" if site else "seen"]

    @classmethod
    def of(cls, site: Site, *, seen: str) -> "SiteForm":
        """The form, filled with what the site says."""
        initial = {name: getattr(site, name) for name in Site.CONTENT}
        return cls(initial=initial | {"hosts": "\n".join(site.hosts), "seen": seen}, site=site)

    def clean_hosts(self) -> list[str]:
        hosts = list(dict.fromkeys(self.cleaned_data["hosts"].lower().split()))
        if len(hosts) > MOST_HOSTS:
            raise ValidationError(_("Enter %(most)s host names at most."), params={"most": MOST_HOSTS})
        for host in hosts:
            is_there = self.site is not None and host in self.site.hosts
            if not is_there and (len(host) > LONGEST_HOST or not re.fullmatch(SITE_HOST, host)):
                named = host[:60] if host.isprintable() else "…"
                raise ValidationError(
                    _("“%(host)s” is no host name such as www.example.com. Other letters are written as xn--…"),
                    params={"host": named},
                )
        return hosts

    def clean_cookie_domain(self) -> str:
        domain: str = self.cleaned_data["cookie_domain"].lower()
        is_there = self.site is not None and domain == self.site.cookie_domain
        if domain and not is_there and not re.fullmatch(SITE_HOST, domain):
            raise ValidationError(_("Enter a domain such as example.com, without a dot in front."))
        return domain

    def clean_languages(self) -> list[str]:
        return [language for language in LANGUAGES if language in self.cleaned_data["languages"]]

    @property
    def content(self) -> dict[str, Any]:
        """What `save_site` takes."""
        return {name: self.cleaned_data[name] for name in Site.CONTENT}
