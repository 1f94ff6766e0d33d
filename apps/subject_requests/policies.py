"""Who may do what with a request. Visible or not (404) is `SubjectRequest.objects.visible_to`; this decides 403."""

from typing import Any

from apps.accounts.models import CustomerAccount, Membership, User
from apps.accounts.policies import Role, can_file_for_end_users, has_role, memberships_of
from apps.subject_requests.models import Package, Part, SubjectRequest
from apps.subject_requests.states import (
    OFFERED,
    TRIAGED,
    WITHDRAWABLE,
    About,
    Capacity,
    Right,
    Status,
)


def is_officer(user: Any) -> bool:
    return has_role(user, Role.OFFICER)


def can_see_desk(user: Any) -> bool:
    """Officers work there; the data protection officer reads along (GDPR 38(6): and decides nothing)."""
    return has_role(user, Role.OFFICER, Role.DPO)


def can_have_calendar_feed(user: Any) -> bool:
    """What the feed says is what the desk shows, so whoever leaves the desk loses it."""
    return can_see_desk(user)


def can_file(user: Any, *, about: str, account: CustomerAccount) -> bool:
    """Every member about themselves; who speaks for the account about its end users too."""
    if about == About.END_USER:
        return can_file_for_end_users(user, account)
    return memberships_of(user).filter(account=account).exists()


def rights_offered() -> tuple[Right, ...]:
    return OFFERED


def is_requester(user: Any, subject_request: SubjectRequest) -> bool:
    return user.pk is not None and subject_request.filed_by_id == user.pk


def is_same_person(one: User | None, other: User | None) -> bool:
    """One person with two accounts is still one pair of eyes (T7): the same address or verified phone gives it away."""
    if one is None or other is None:
        return False
    same_phone = one.phone_number and one.phone_verified and other.phone_verified
    return (
        one.pk == other.pk
        or one.email.casefold() == other.email.casefold()
        or bool(same_phone and one.phone_number == other.phone_number)
    )


def _handles(user: Any, subject_request: SubjectRequest) -> bool:
    """An officer, and not about a request of their own."""
    return is_officer(user) and not is_same_person(user, subject_request.filed_by)


def can_see_officer_side(user: Any, subject_request: SubjectRequest) -> bool:
    """Notes, plans before the answer, who works on it."""
    return can_see_desk(user) and not is_same_person(user, subject_request.filed_by)


def can_assign(user: Any, subject_request: SubjectRequest) -> bool:
    return _handles(user, subject_request) and subject_request.is_open


def can_be_assigned(user: Any, subject_request: SubjectRequest) -> bool:
    return _handles(user, subject_request)


def can_write_message(user: Any, subject_request: SubjectRequest) -> bool:
    """Requester and officers write to each other while it is open; a late answer to a question is heard too."""
    if subject_request.is_unanswered:
        return is_requester(user, subject_request)
    return subject_request.is_open and (_handles(user, subject_request) or is_requester(user, subject_request))


def can_write_note(user: Any, subject_request: SubjectRequest) -> bool:
    """The data protection officer may advise in a note."""
    return can_see_officer_side(user, subject_request)


def can_ask_requester(user: Any, subject_request: SubjectRequest) -> bool:
    return _handles(user, subject_request) and subject_request.status in (Status.RECEIVED, Status.IN_PROGRESS)


def can_doubt_identity(user: Any, subject_request: SubjectRequest) -> bool:
    return _handles(user, subject_request) and subject_request.status in (Status.RECEIVED, Status.IN_PROGRESS)


def can_confirm_identity(user: Any, subject_request: SubjectRequest) -> bool:
    return _handles(user, subject_request) and subject_request.status == Status.IDENTITY_PENDING


def can_extend(user: Any, part: Part) -> bool:
    """Once, and only what we hold as controller (GDPR 12(3), 28(3)); whether it is in time, the service says."""
    return (
        _handles(user, part.request)
        and part.request.is_open
        and part.is_open
        and part.capacity == Capacity.CONTROLLER
        and part.extended_at is None
    )


def can_prepare(user: Any, subject_request: SubjectRequest) -> bool:
    return (
        _handles(user, subject_request)
        and subject_request.status == Status.IN_PROGRESS
        and subject_request.verified_at is not None
    )


def can_approve(user: Any, subject_request: SubjectRequest) -> bool:
    """Access needs one officer, erasure two: never who prepared it, asked for it or checked the identity (T7)."""
    if not _handles(user, subject_request) or subject_request.status != Status.AWAITING_APPROVAL:
        return False
    if subject_request.right != Right.ERASURE:
        return True
    others = (subject_request.prepared_by, subject_request.verified_by)
    return not any(is_same_person(user, other) for other in others)


def can_send_back(user: Any, subject_request: SubjectRequest) -> bool:
    return _handles(user, subject_request) and subject_request.status == Status.AWAITING_APPROVAL


def can_refuse(user: Any, part: Part) -> bool:
    return _handles(user, part.request) and part.request.status in TRIAGED and part.is_open


def can_close_as_duplicate(user: Any, subject_request: SubjectRequest) -> bool:
    return _handles(user, subject_request) and subject_request.status in TRIAGED


def can_close_as_spam(user: Any, subject_request: SubjectRequest) -> bool:
    """A second look: not the officer to whom it is assigned, and only once somebody is."""
    return (
        _handles(user, subject_request)
        and subject_request.status in TRIAGED
        and subject_request.assigned_to is not None
        and not is_same_person(user, subject_request.assigned_to)
    )


def can_withdraw(user: Any, subject_request: SubjectRequest) -> bool:
    return may_act_as_requester(user, subject_request) and subject_request.status in WITHDRAWABLE


def may_act_as_requester(user: Any, subject_request: SubjectRequest) -> bool:
    """Whoever filed it, or, about an end user, who speaks for the same account."""
    if is_requester(user, subject_request):
        return Membership.objects.filter(user=user.pk, account=subject_request.account_id).exists()
    return subject_request.about == About.END_USER and can_file_for_end_users(user, subject_request.account)


def can_reveal(user: Any, subject_request: SubjectRequest) -> bool:
    return _handles(user, subject_request) and subject_request.forgotten_at is None


def can_download(user: Any, package: Package) -> bool:
    """Only whoever filed it, while they belong to the account and, about end users, still speak for it (T6, T10)."""
    request = package.request
    if not is_requester(user, request):
        return False
    if request.about == About.END_USER:
        return can_file_for_end_users(user, request.account)
    return Membership.objects.filter(user=user.pk, user__is_active=True, account=request.account_id).exists()
