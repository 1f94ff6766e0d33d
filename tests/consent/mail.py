"""Mail from us to one address, and what the links in it lead to."""

import re

from django.core import mail

from apps.core.identities import Identity, IdentityType
from apps.notifications.tasks import deliver_messages

JAN = Identity(IdentityType.EMAIL, "jan@example.com")
LINK = re.compile(r"https?://[^/\s]+(/\S+)")


def letters():
    """What was sent since the last look."""
    mail.outbox.clear()
    deliver_messages()
    return list(mail.outbox)


def link_in(letter, place=""):
    """The path of the first link that leads below `place`."""
    return next(path for path in LINK.findall(letter.body) if path.startswith(place))


def plain(response):
    """The page without its CSRF token, which is another one each time."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", response.content)
