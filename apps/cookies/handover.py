"""A choice on its way to a site on another domain, whose pages can't read the cookie: a signed token in the fragment.

It says what the cookie says and to which origin it goes, holds for a minute, and grants nothing: who has it can set
that choice on that one site. A fragment is sent to no server and stands in no log.
"""

from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing

from apps.consent.services import event_id
from apps.cookies.choice import Choice, format_choice, new_visitor, parse
from apps.cookies.models import Site

SALT = "cookies.handover"
SECONDS = 60
FRAGMENT = "portal-consent"


def target(site: Site, url: str) -> str | None:
    """The address without its fragment, where it lies on a host of the site; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    schemes = ("https",) if settings.HTTPS else ("https", "http")
    is_ours = parts.scheme in schemes and parts.hostname in site.hosts and parts.username is None
    is_plain = url.isprintable() and "\\" not in url and not any(letter.isspace() for letter in url)
    if not is_ours or not is_plain or (settings.HTTPS and port not in (None, 443)):
        return None
    return parts._replace(fragment="").geturl()


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def mint(site: Site, choice: Choice, *, url: str) -> str:
    """The token for the origin of this address. It names no visitor and no event: scripts there could read them, and
    know the visitor again (T42)."""
    nameless = replace(choice, visitor=new_visitor(), event=event_id(choice.decided_at))
    return signing.dumps({"site": site.key, "to": origin_of(url), "choice": format_choice(nameless)}, salt=SALT)


def read(token: str, *, origin: str) -> tuple[str, Choice] | None:
    """The key of the site and the choice, where the token is ours, fresh and meant for this origin."""
    try:
        said = signing.loads(token, salt=SALT, max_age=SECONDS)
    except signing.BadSignature:
        return None
    choice = parse(said["choice"])
    return (said["site"], choice) if choice and said["to"] == origin.lower() else None
