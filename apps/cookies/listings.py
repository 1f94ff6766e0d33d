"""The cookie register as administrators see it: its columns and filters."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.cookies.forms import CookieFilterForm
from apps.cookies.models import CookieQuerySet
from apps.core.tables import Column, Listing

BY_NAME = ("by_name", "pk")
COLUMNS = (
    Column("name", _("Name"), BY_NAME),
    Column("site", _("Site"), ("site_id", *BY_NAME)),
    Column("category", _("Category"), ("category", *BY_NAME)),
    Column("host", _("Host"), ("host", *BY_NAME)),
    Column("duration", _("How long")),
    Column("standing", _("Standing")),
)


class CookieListing(Listing):
    """Entries as the address asks for them."""

    def __init__(self, request: HttpRequest) -> None:
        self.form = CookieFilterForm(request.GET)
        self.chosen = self.form.chosen()
        self.clear_url = request.path if self.chosen else ""
        super().__init__(request.GET, columns=COLUMNS, sort="name", filters=self.chosen)

    def searched(self, cookies: CookieQuerySet) -> CookieQuerySet:
        """Those that fit the filters."""
        asked = {name: self.chosen.get(name, "") for name in ("site", "category")}
        return cookies.for_list().searched(words=self.chosen.get("q", ""), **asked)
