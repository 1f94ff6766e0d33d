"""What the public privacy centre leads to. A door or a tile appears by itself when its page exists."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.dashboard.navigation import Door, address


@dataclass(frozen=True)
class Entry:
    """A way on from the centre: in the visitor's words, to a page by the name of its address."""

    page: str
    name: Any
    text: Any
    icon: str


@dataclass(frozen=True)
class Way:
    """An entry whose page is there."""

    name: Any
    text: Any
    icon: str
    url: str


# Who somebody is: three doors, the first question of everybody who comes.
DOORS = (
    Entry(
        "account_login",
        _("I am a customer"),
        _("You or your company use our platform. Sign in to ask about your own data, or about people you wrote to."),
        "company",
    ),
    Entry(
        "public_request:new",
        _("I received a message"),
        _("A company reached you through us. Ask what we hold about you, or have it erased. You need no account."),
        "message",
    ),
    Entry(
        "disclosures:new",
        _("I am an authority"),
        _("You act for a court, the police or a regulator. Here is what we need from you, and what we check."),
        "authority",
    ),
)
# What somebody wants to know.
TILES = (
    Entry(
        "statement:data",
        _("Your data"),
        _("Which data we hold about whom, where it comes from, and what it is for."),
        "data",
    ),
    Entry("cookies:page", _("Cookies"), _("See what is stored in your browser, and choose anew."), "cookies"),
    Entry(
        "processors:list",
        _("Who works for us"),
        _("The companies that process data for us, where, and on what ground."),
        "companies",
    ),
    Entry("retention:page", _("How long data stays"), _("Every period, what it starts from, and why."), "time"),
    Entry(
        "statement:current",
        _("Privacy statement"),
        _("What we promise, in full, with every earlier version and what changed."),
        "statement",
    ),
    Entry(
        "children:report",
        _("Report data about a child"),
        _("We stop using the data at once, and then look into it."),
        "child",
    ),
    Entry(
        "demo:home",
        _("Demo site of the cookie banner"),
        _("A sample company with tags of each kind, on three sites. Choose, and see what third parties still get."),
        "data",
    ),
    Entry(
        "dashboard:contact",
        _("Contact and complaints"),
        _("Write to the right people, by e-mail or post. Where to complain about us."),
        "contact",
    ),
)
COOKIES = Entry("cookies:page", _("Cookie settings"), "", "cookies")


def ways(entries: tuple[Entry, ...]) -> list[Way]:
    """Those of the entries that lead somewhere today."""
    found = [(entry, address(entry.page)) for entry in entries]
    return [Way(entry.name, entry.text, entry.icon, url) for entry, url in found if url]


def foot(request: HttpRequest) -> dict[str, Any]:
    """Template variables of every page's foot: the doors, whom to write to, and the choice about cookies (COO-3)."""
    return {"foot_doors": [Door(way.name, way.url) for way in ways((*DOORS, TILES[-1], COOKIES))]}
