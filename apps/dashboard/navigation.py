"""Which doors a person sees in the head of every page. A door appears when its page exists."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts import policies as accounts
from apps.accounts.states import Role
from apps.dashboard import policies

THEME_COOKIE = "theme"
THEMES = ("light", "dark")

PUBLIC_DOORS = (("processors:list", _("Processors")), ("retention:page", _("Retention periods")))
CUSTOMER_DOORS = (("subject_requests:home", _("Home")), ("subject_requests:list", _("Requests")))
OFFICER_DOORS = (("desk:queue", _("Desk")), ("desk:overview", _("Overview")), ("retention:holds", _("Legal holds")))
RETENTION_DOORS = (("retention:overview", _("Retention")),)
REGISTER_DOORS = (("processors:register", _("Registers")),)
CONSENT_DOORS = (("consent:overview", _("Consents")),)
EVIDENCE_DOORS = (("dashboard:evidence", _("Evidence")),)
PEOPLE_DOORS = (("people", _("People")),)
OUTBOX_DOORS = (("dashboard:outbox", _("Outbox")),)
REGISTERS = (
    ("processors:register", _("Processors")),
    ("retention:rules", _("Retention rules")),
    ("cookies:register", _("Cookies")),
    ("consent:purposes", _("Purposes")),
)
AREAS = {"processors:register": "/registers/"}  # a door that leads to more than what lies below its own address


@dataclass(frozen=True)
class Door:
    name: Any
    url: str
    is_current: bool = False


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Template variables of every page: doors by role, the way in or out, the chosen theme."""
    user = getattr(request, "user", AnonymousUser())  # absent where a request is refused early
    theme = request.COOKIES.get(THEME_COOKIE)
    return {
        "nav": _doors(request, names_for(user)),
        "nav_user": _doors(request, _account_names(user)),
        "registers": registers(request),
        "sign_out_url": address("account_logout"),
        "theme": theme if theme in THEMES else "",
        "theme_url": address("dashboard:theme"),
    }


@dataclass(frozen=True)
class Tab:
    """For `components/tabs.html`."""

    text: Any
    url: str
    is_current: bool


def registers(request: HttpRequest) -> list[Tab]:
    """The registers beside one another, for the tabs on top of each."""
    found = [(label, address(name)) for name, label in REGISTERS]
    return [Tab(label, url, request.path.startswith(url)) for label, url in found if url]


def address(name: str) -> str | None:
    """The address of a page, or None while it is not built."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def names_for(user: Any) -> list[tuple[str, Any]]:
    """The names of the pages behind this person's doors, each with what is written on the door."""
    if not user.is_authenticated:
        return list(PUBLIC_DOORS)
    if not accounts.is_staff_member(user):
        return [*CUSTOMER_DOORS, *PUBLIC_DOORS]
    names = [*OFFICER_DOORS] if accounts.has_role(user, Role.OFFICER, Role.DPO) else []
    names += CONSENT_DOORS if accounts.has_role(user, Role.OFFICER, Role.DPO, Role.AUDITOR) else []
    names += [*RETENTION_DOORS, *REGISTER_DOORS]
    names += EVIDENCE_DOORS if policies.can_read_evidence(user) else []
    names += OUTBOX_DOORS if policies.can_read_outbox(user) else []
    names += PEOPLE_DOORS if accounts.can_see_people(user) else []
    return [*names, *PUBLIC_DOORS]


def _account_names(user: Any) -> list[tuple[str, Any]]:
    if user.is_authenticated:
        return [("account_settings", _("Your account"))]
    return [("account_login", _("Sign in"))]


def _doors(request: HttpRequest, names: list[tuple[str, Any]]) -> list[Door]:
    found = [(label, address(name), AREAS.get(name, "")) for name, label in names]
    doors = [(label, url, area or url) for label, url, area in found if url]
    # The longest address that fits is where one is: /evidence/outbox/ is not also /evidence/.
    here = max((area for _label, _url, area in doors if request.path.startswith(area)), key=len, default="")
    return [Door(label, url, area == here) for label, url, area in doors]
