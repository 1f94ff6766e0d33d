"""Other requests that name the same person: hints, to officers and to requesters. They never stop anybody.

Found by the blind indexes of the identifiers; nothing is decrypted for it. What another customer account asked is told
by its reference alone: two customers' requests about one person never mix (T20).
"""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount, User
from apps.core.identities import Identity
from apps.subject_requests import policies
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.presentation import words
from apps.subject_requests.services import triage
from apps.subject_requests.states import About

RELATED_LENGTH = 10
ALREADY_LENGTH = 3


def related_to(subject_request: SubjectRequest, *, user: User) -> dict[str, Any]:
    """What an officer reads beside a request: `links` (what it was joined to or goes on from), `same` (probably the
    same request), `other` (the same person, another request) and `elsewhere` (references under other accounts).
    Nothing of the officer's own."""
    found = SubjectRequest.objects.visible_to(user).naming_whom(subject_request).nearest_to(subject_request)
    links = _links(subject_request)
    tied = {link["reference"] for link in links}
    ours = [
        other
        for other in found[:RELATED_LENGTH]
        if other.reference not in tied and not policies.is_same_person(user, other.filed_by)
    ]
    of_account = [other for other in ours if other.account_id == subject_request.account_id]
    same = [other for other in of_account if _asks_the_same(other, subject_request)]
    return {
        "links": links,
        "same": [_hint(other) | {"join": _joining(other, subject_request, user)} for other in same],
        "other": [_hint(other) for other in of_account if other not in same],
        "elsewhere": [_at_desk(other) for other in ours if other not in of_account],
    }


def _asks_the_same(other: SubjectRequest, subject_request: SubjectRequest) -> bool:
    """Both still open, and they ask the same (their account is the same already)."""
    both_open = other.is_open and subject_request.is_open
    return both_open and (other.right, other.about) == (subject_request.right, subject_request.about)


def _links(subject_request: SubjectRequest) -> list[dict[str, Any]]:
    """What officers or the clock tied to it."""
    tied = [(_("Goes on from"), subject_request.follows), (_("Joined to"), subject_request.duplicate_of)]
    tied += [(_("Joined to this one:"), other) for other in subject_request.duplicates.order_by("received_at")]
    return [_at_desk(other) | {"text": text} for text, other in tied if other]


def _hint(other: SubjectRequest) -> dict[str, Any]:
    return _at_desk(other) | {
        "right": words.right_in_words(other),
        "received_at": other.received_at,
        "tag": words.status_tag(other),
    }


def _at_desk(other: SubjectRequest) -> dict[str, Any]:
    return {"reference": other.reference, "url": reverse("desk:detail", args=[other.reference])}


def _joining(other: SubjectRequest, subject_request: SubjectRequest, user: User) -> str:
    """Where the later of the two is closed in favour of the earlier; "" where that would leave somebody unanswered,
    or where the person may not."""
    kept, closed = sorted((other, subject_request), key=lambda each: (each.received_at, each.reference))
    if not policies.can_close_as_duplicate(user, closed) or not triage.is_about_the_same(kept, closed):
        return ""
    query = urlencode({"step": "duplicate", "of": kept.reference})
    return f"{reverse('desk:detail', args=[closed.reference])}?{query}"


def already_asked(
    user: User, *, account: CustomerAccount, right: str, about: str, identities: Iterable[Identity]
) -> list[SubjectRequest]:
    """The person's open requests that ask the same of the same account about the same identities: before they send
    another one they are told, and may send it all the same."""
    asked = SubjectRequest.objects.visible_to(user).open().naming(identities)
    asked = asked.filter(account=account.pk, right=right, about=about)
    theirs = asked.filter(filed_by=user.pk) if about == About.OWN else asked
    return list(theirs.order_by("-received_at", "pk")[:ALREADY_LENGTH])
