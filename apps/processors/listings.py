"""The list of processors and the register behind it: their columns, and what a file of them holds."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.tables import Column, Listing
from apps.processors.forms import EngagementFilterForm
from apps.processors.models import Engagement, EngagementQuerySet
from apps.processors.words import Row, describe

BY_NAME = ("by_name", "pk")
COLUMNS = (
    Column("name", gettext_lazy("Name"), BY_NAME),
    Column("location", gettext_lazy("Location")),  # kept as a code: its order is no order of names
    Column("mechanism", gettext_lazy("Transfer mechanism"), ("mechanism", *BY_NAME)),
    Column("service", gettext_lazy("Service"), ("by_service", *BY_NAME)),
    Column("role", gettext_lazy("Role"), ("capacity", *BY_NAME)),
    Column("standing", gettext_lazy("Standing")),
)


class EngagementListing(Listing):
    """Engagements as the address asks for them."""

    def __init__(self, request: HttpRequest) -> None:
        self.form = EngagementFilterForm(request.GET)
        self.chosen = self.form.chosen()
        self.clear_url = request.path if self.chosen else ""
        super().__init__(request.GET, columns=COLUMNS, sort="name", filters=self.chosen)

    def searched(self, engagements: EngagementQuerySet) -> EngagementQuerySet:
        """Those that fit the filters."""
        found = engagements.for_list()
        return found.searched(words=self.chosen.get("q", ""), capacity=self.chosen.get("role", ""))


def rows(engagements: list[Engagement], *, today: date, url: Callable[[Engagement], str] | None = None) -> list[Row]:
    """Rows of the table; `url` leads to the entry."""
    return [describe(each, today=today, url=url(each) if url else "") for each in engagements]


def header() -> list[str]:
    named = (_("Name"), _("Location"), _("Country code"), _("Transfer mechanism"), _("Mechanism today"))
    return [*named, _("Service"), _("Role"), _("Standing")]


def cells(engagement: Engagement, *, today: date) -> Iterator[Any]:
    row = describe(engagement, today=today)
    yield from (row.name, row.location, engagement.country, row.mechanism, row.mechanism_note)
    yield from (row.service, row.role, row.standing)
