"""A choice on its way to a site on another domain, whose pages can't read the cookie: a signed token in the fragment.

A link to another domain first brings a hint alone: that there is a choice, and of which second. The page there makes a
random state, keeps it in its tab, and comes to ask with it; the token says what the cookie says, to which origin it
goes and which state asked, and holds for a minute. So nobody's token counts in another's browser: it would be somebody
else's yes (T42). A fragment is sent to no server and stands in no log.
"""

import re
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
STATE = re.compile(r"[\w-]{22}", re.ASCII)


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


def hint(choice: Choice) -> str:
    """What tells the page that there is a choice: the second it was made in, for those who have a newer one."""
    return str(int(choice.decided_at.timestamp()))


def mint(site: Site, choice: Choice, *, url: str, state: str) -> str:
    """The token for the origin of this address and the tab that asked. It names no visitor and no event: scripts there
    could read them, and know the visitor again (T42)."""
    nameless = replace(choice, visitor=new_visitor(), event=event_id(choice.decided_at))
    said = {"site": site.key, "to": origin_of(url), "state": state, "choice": format_choice(nameless)}
    return signing.dumps(said, salt=SALT)


def read(token: str, *, origin: str, state: str) -> tuple[str, Choice] | None:
    """The key of the site and the choice, where the token is ours, fresh, and meant for this origin and this tab."""
    try:
        said = signing.loads(token, salt=SALT, max_age=SECONDS)
    except signing.BadSignature:
        return None
    choice = parse(said["choice"])
    is_theirs = said["to"] == origin.lower() and said.get("state") == state
    return (said["site"], choice) if choice and is_theirs else None
