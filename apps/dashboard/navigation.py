"""Which doors a person sees in the head of every page. A door appears when its page exists."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts import policies
from apps.accounts.states import Role

THEME_COOKIE = "theme"
THEMES = ("light", "dark")

PUBLIC_DOORS = (("processors:list", _("Processors")),)
CUSTOMER_DOORS = (("dashboard:home", _("Home")), ("subject_requests:list", _("Requests")))
OFFICER_DOORS = (("desk:queue", _("Desk")),)
EVIDENCE_DOORS = (("dashboard:evidence", _("Evidence")),)


@dataclass(frozen=True)
class Door:
    name: Any
    url: str
    is_current: bool = False


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Template variables of every page: doors by role, the way in or out, the chosen theme."""
    theme = request.COOKIES.get(THEME_COOKIE)
    return {
        "nav": _doors(request, _names_for(request.user)),
        "nav_user": _doors(request, _account_names(request.user)),
        "sign_out_url": address("account_logout"),
        "theme": theme if theme in THEMES else "",
        "theme_url": address("dashboard:theme"),
    }


def address(name: str) -> str | None:
    """The address of a page, or None while it is not built."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def _names_for(user: Any) -> list[tuple[str, Any]]:
    if not user.is_authenticated:
        return list(PUBLIC_DOORS)
    if not policies.is_staff_member(user):
        return [*CUSTOMER_DOORS, *PUBLIC_DOORS]
    names: list[tuple[str, Any]] = []
    if policies.has_role(user, Role.OFFICER, Role.DPO):
        names += OFFICER_DOORS
    names += EVIDENCE_DOORS
    return [*names, *PUBLIC_DOORS]


def _account_names(user: Any) -> list[tuple[str, Any]]:
    if user.is_authenticated:
        return [("account_settings", _("Your account"))]
    return [("account_login", _("Sign in"))]


def _doors(request: HttpRequest, names: list[tuple[str, Any]]) -> list[Door]:
    found = [(label, address(name)) for name, label in names]
    return [Door(label, url, request.path.startswith(url)) for label, url in found if url]
