"""A visitor's choice, as the browser keeps it in one cookie of at most 400 bytes.

`1.<visitor>.<material number>.<performance functional marketing>.<decided>.<event>.<signal>`: the form's number; a
random id (22 base64url characters); the material number of the register that was shown; three digits, 1 for yes; the
instant in Unix seconds, base 36; the id of the event of consent (its 16 bytes in base64url); 1 where Global Privacy
Control was seen. The script and the server read it alike. Anything else is no choice, and nothing optional runs.
"""

import base64
import re
import secrets
import string
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from dateutil.relativedelta import relativedelta
from django.http import HttpRequest

from apps.cookies.models import RegisterVersion, Site
from apps.cookies.states import OPTIONAL, Category

NAME = "portal_consent"
FORM = re.compile(r"1\.([\w-]{22})\.(\d{1,6})\.([01]{3})\.([0-9a-z]{1,9})\.([\w-]{22})\.([01])", re.ASCII)
LONGEST = 400
AHEAD = timedelta(days=1)
"""How far the instant of a choice may lie before the clock that reads it: browsers' clocks are not all right."""
DIGITS = string.digits + string.ascii_lowercase


@dataclass(frozen=True)
class Choice:
    """What one visitor said, when, and to which register."""

    visitor: str
    material_number: int
    allowed: frozenset[str]  # of the optional categories
    decided_at: datetime
    event: uuid.UUID
    gpc: bool = False

    @property
    def answers(self) -> dict[str, bool]:
        """Each optional category with yes or no, as events of consent hold them."""
        return {category.value: category.value in self.allowed for category in OPTIONAL}

    def obeying(self, gpc: bool) -> "Choice":
        """The same with marketing off, where the browser says Global Privacy Control now (B13)."""
        return replace(self, allowed=self.allowed - {Category.MARKETING.value}, gpc=True) if gpc else self

    def until(self, months: int) -> datetime:
        """When it stops counting: by the calendar, the last day of a month where there is no such day."""
        return self.decided_at + relativedelta(months=months)

    def counts(self, *, material_number: int, months: int, now: datetime) -> bool:
        """Whether it still says what holds: nothing material changed since, and its time is not up."""
        if self.material_number != material_number or self.decided_at > now + AHEAD:
            return False
        return self.until(months) > now


def new_visitor() -> str:
    """The random id of a visitor who makes a first choice. It says nothing about anybody and serves nothing else."""
    return secrets.token_urlsafe(16)


def allowed(answers: Mapping[str, bool] | Collection[str]) -> frozenset[str]:
    """The optional categories that are answered yes."""
    said = {name for name, yes in answers.items() if yes} if isinstance(answers, Mapping) else set(answers)
    return frozenset(category.value for category in OPTIONAL if category.value in said)


def parse(value: str) -> Choice | None:
    """The choice in a cookie's value, or None for whatever else stands there."""
    found = FORM.fullmatch(value) if len(value) <= LONGEST else None
    if found is None:
        return None
    visitor, material, digits, decided, event, gpc = found.groups()
    said = {category.value for category, digit in zip(OPTIONAL, digits, strict=True) if digit == "1"}
    try:
        at = datetime.fromtimestamp(int(decided, 36), UTC)
        at + relativedelta(years=2)  # an instant that no validity reaches is no instant of a choice
        parsed = uuid.UUID(bytes=base64.urlsafe_b64decode(f"{event}=="))
    except (ValueError, OverflowError, OSError):
        return None
    if parsed.version != 7:
        return None
    return Choice(visitor, int(material), frozenset(said), at, parsed, gpc == "1")


def format_choice(choice: Choice) -> str:
    """The value of the cookie."""
    digits = "".join("1" if category.value in choice.allowed else "0" for category in OPTIONAL)
    event = base64.urlsafe_b64encode(choice.event.bytes).decode().rstrip("=")
    decided = _base36(int(choice.decided_at.timestamp()))
    return f"1.{choice.visitor}.{choice.material_number}.{digits}.{decided}.{event}.{int(choice.gpc)}"


def sent(request: HttpRequest) -> list[Choice]:
    """All choices that the browser sent, the newest first: one for the host alone may lie beside one for the domain."""
    parts = (part.strip().partition("=") for part in request.META.get("HTTP_COOKIE", "").split(";"))
    found = [choice for name, _sign, value in parts if name == NAME and (choice := parse(value))]
    return sorted(found, key=lambda choice: choice.decided_at, reverse=True)


def current(request: HttpRequest, site: Site, *, now: datetime) -> Choice | None:
    """The choice of this request's browser, where one still counts for the site."""
    version = RegisterVersion.objects.current().filter(site=site).without_content().first()
    return counting(sent(request), version, now=now)


def counting(choices: Iterable[Choice], version: RegisterVersion | None, *, now: datetime) -> Choice | None:
    """The first of these choices that still says what holds."""
    if version is None:
        return None
    number, months = version.material_number, version.validity_months
    return next((each for each in choices if each.counts(material_number=number, months=months, now=now)), None)


def cookie_domain(site: Site, host: str) -> str | None:
    """The `Domain` of the cookie at this host (without a port), or None for the host alone: browsers refuse a domain
    that the host does not lie in."""
    return site.cookie_domain if covers(site.cookie_domain, host) else None


def covers(domain: str, host: str) -> bool:
    """Whether a cookie of this domain reaches this host; "" reaches no other than the one that set it."""
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def is_signalled(request: HttpRequest) -> bool:
    """Whether the browser says Global Privacy Control: the header's value is exactly 1, or one of several is."""
    return "1" in (value.strip() for value in request.headers.get("Sec-GPC", "").split(","))


def is_allowed(choice: Choice | None, category: str) -> bool:
    """Whether something of this category may run: what is strictly necessary always, the rest only after a yes."""
    return category == Category.NECESSARY or (choice is not None and category in choice.allowed)


def _base36(number: int) -> str:
    found = ""
    while number:
        number, digit = divmod(number, 36)
        found = DIGITS[digit] + found
    return found or "0"
