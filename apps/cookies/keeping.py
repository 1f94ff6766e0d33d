"""What an answer to a browser does with cookies: keeps the choice, and deletes what it says no to (B7)."""

import re
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.cookies.choice import NAME, Choice, cookie_domain, format_choice
from apps.cookies.models import RegisterVersion
from apps.cookies.states import OPTIONAL, Kind

TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
"""A name that a cookie can have."""


def keep(request: HttpRequest, response: HttpResponse, version: RegisterVersion, choice: Choice) -> None:
    """Set the cookie of the choice, and delete what is refused: for the host alone and for the whole domain."""
    domain = cookie_domain(version.site, urlsplit(f"//{request.get_host()}").hostname or "")
    for name in refused(request, version, choice):
        response.delete_cookie(name, samesite="Lax", domain=domain)
        if domain:
            of_domain = response.cookies.pop(name)
            response.delete_cookie(name, samesite="Lax")
            response.cookies[f"{name}@{domain}"] = of_domain  # a key of ours: the header says the cookie's own name
    lasts = choice.until(version.validity_months) - choice.decided_at
    response.set_cookie(
        NAME, format_choice(choice), max_age=lasts, domain=domain, samesite="Lax", secure=settings.HTTPS
    )


def refused(request: HttpRequest, version: RegisterVersion, choice: Choice) -> list[str]:
    """Names of cookies which the browser sent and the choice says no to."""
    patterns = [
        entry["name"]
        for entry in version.content["entries"]
        if entry["kind"] == Kind.COOKIE and entry["category"] in OPTIONAL and entry["category"] not in choice.allowed
    ]
    names = [name for name in request.COOKIES if TOKEN.fullmatch(name)]
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
