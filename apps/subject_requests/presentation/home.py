"""A customer's first page: what waits for them, what is open, what was done, and what they can do here."""

from datetime import date, datetime
from typing import Any

from django.db.models import F
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Invitation, User
from apps.accounts.policies import MemberRole, has_factor, memberships_of
from apps.retention.services import leaving_accounts
from apps.subject_requests.models import SubjectRequestQuerySet
from apps.subject_requests.presentation import requester

SHOWN = 5
# More of their own pages; each is offered once it is built.
OWN_PAGES = (
    ("consent:own", _("Your consents")),
    ("tokens:list", _("Tokens for programs")),
    ("account_settings", _("Your account")),
    ("dashboard:contact", _("Contact and complaints")),
)


def page(user: User, theirs: SubjectRequestQuerySet, *, now: datetime, today: date) -> dict[str, Any]:
    """Everything on it, in as many queries whether there is one request or a thousand."""
    memberships = list(memberships_of(user))
    listed = theirs.for_list()
    soonest = listed.open().order_by(F("next_due_on").asc(nulls_last=True), "pk")[: SHOWN + 1]
    latest = listed.closed().order_by("-closed_at", "pk")[: SHOWN + 1]
    open_rows, done_rows = requester.rows(soonest, today=today), requester.rows(latest, today=today)
    return {
        "questions": requester.questions_for(theirs),
        "files": requester.files_for(user, now=now),
        "invitations": Invitation.objects.addressed_to(user).open(now=now).for_list(),
        "open_rows": open_rows[:SHOWN],
        "has_more_open": len(open_rows) > SHOWN,
        "done_rows": done_rows[:SHOWN],
        "has_more_done": len(done_rows) > SHOWN,
        "can_file": bool(memberships),
        "owned": [each.account for each in memberships if each.role == MemberRole.OWNER],
        "leaving": leaving_accounts([each.account for each in memberships]),
        "has_factor": has_factor(user),
        "own_pages": [{"name": name, "url": url} for page, name in OWN_PAGES if (url := _address(page))],
    }


def _address(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
