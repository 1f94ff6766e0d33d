"""What is due when, as a calendar reads it (RFC 5545): ids and dates, for a machine of somebody else to keep."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from apps.accounts.models import User
from apps.subject_requests.models import Part, SubjectRequest


def due_dates(user: User, *, now: datetime) -> bytes:
    """One all-day event for each open part that the person handles, in their language. It says which request and when:
    no name, no account, no right, because calendars are shared and synchronised beyond our reach (GDPR 5(1)(f))."""
    shown = SubjectRequest.objects.visible_to(user).open().exclude(filed_by=user.pk)
    parts = Part.objects.filter(outcome="", request__in=shown.values("pk")).order_by("due_on", "pk")
    calendar = Calendar()
    with translation.override(user.language):
        calendar.add("prodid", "-//Privacy portal//Due dates//EN")
        calendar.add("version", "2.0")
        calendar.add("x-wr-calname", _("Answers due"))
        for part in parts.select_related("request"):
            calendar.add_component(_event(part, now=now))
    return calendar.to_ical()


def _event(part: Part, *, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{part.pk}@{urlsplit(settings.BASE_URL).hostname}")
    event.add("dtstamp", now.replace(microsecond=0))
    event.add("dtstart", part.due_on)  # a date without a time: the whole day, whatever the calendar's zone
    event.add("summary", _("%(reference)s: answer due") % {"reference": part.request.reference})
    event.add("url", settings.BASE_URL + reverse("desk:detail", args=[part.request.reference]))
    event.add("transp", "TRANSPARENT")  # a due date makes nobody busy
    return event


def address(token: str) -> str:
    """Where the calendar fetches the feed."""
    return settings.BASE_URL + reverse("desk:calendar", args=[token])
