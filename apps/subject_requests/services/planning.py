"""From triage to an approved answer: scope, plan, preparation, approval by the right eyes, refusal."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import crypto
from apps.core.errors import DomainError, InvalidInput
from apps.datamap import services as datamap
from apps.datamap.models import ErasurePlan
from apps.ledger.services import record
from apps.subject_requests import policies
from apps.subject_requests.models import Part, StoreTask, SubjectRequest
from apps.subject_requests.services.moves import _close_if_answered, _close_part, _move, _require
from apps.subject_requests.services.tell import tell_requester
from apps.subject_requests.services.triage import add_note
from apps.subject_requests.services.words import required_words
from apps.subject_requests.states import (
    REFUSALS_OF_CONTROLLER,
    REFUSALS_OF_PROCESSOR,
    TRIAGED,
    About,
    Capacity,
    Outcome,
    Right,
    Status,
    TaskKind,
)

EVERY_STORE = "all"
"""An access request is collected from all stores at once: one search passes from store to store."""


def scope_of(subject_request: SubjectRequest) -> datamap.Scope:
    """About whom and within which limits: the account always, and the capacities of the parts not answered yet."""
    identities = tuple(row.identity for row in subject_request.identifiers.all())
    capacities = tuple(sorted(part.capacity for part in subject_request.parts.all() if part.is_open))
    return datamap.Scope(
        identities=identities,
        account=subject_request.account.platform_account_id,
        own=subject_request.about == About.OWN,
        capacities=capacities,
        end_users=subject_request.about == About.END_USER,
    )


def plan_of(subject_request: SubjectRequest) -> ErasurePlan | None:
    """The plan that the request was prepared with; None for an access request or before it is prepared."""
    if not subject_request.plan_hash:
        return None
    return ErasurePlan.objects.filter(hash=subject_request.plan_hash).first()


@transaction.atomic
def prepare_request(subject_request: SubjectRequest, *, by: User, now: datetime) -> SubjectRequest:
    """Prepare the answer and ask for approval. An erasure is planned here: what goes, what stays, why and until when.

    Raises `DomainError` when nobody verified the requester, or the data map refuses.
    """
    locked = _require(subject_request, Status.IN_PROGRESS)
    if locked.verified_at is None:
        raise DomainError("not_verified", _("The requester’s identity is not confirmed yet."))
    plan = None
    if locked.right == Right.ERASURE:
        plan = datamap.plan_erasure(scope_of(locked), actor=by.key, now=now)
    moved = _move(locked, Status.AWAITING_APPROVAL, actor=by.key, at=now)
    moved.prepared_by, moved.prepared_at = by, now
    moved.approved_by = moved.approved_at = None
    moved.plan_hash = plan.hash if plan else ""
    moved.save(update_fields=["prepared_by", "prepared_at", "approved_by", "approved_at", "plan_hash"])
    facts = {"plan": plan.hash, "map": plan.map_version, "rules": plan.rules_version} if plan else {}
    record(actor=by.key, verb="subject_request.prepared", target=moved, at=now, **facts)
    return moved


@transaction.atomic
def approve_request(
    subject_request: SubjectRequest, *, by: User, now: datetime, plan_seen: str | None = None
) -> SubjectRequest:
    """Approve what was prepared; the worker executes it. An erasure needs a second officer (T7).

    Raises `DomainError` for the wrong person, an expired plan or another than the one seen, or a request that somebody
    moved meanwhile.
    """
    locked = _require(subject_request, Status.AWAITING_APPROVAL)
    if plan_seen is not None and plan_seen != locked.plan_hash:  # prepared anew between the page's check and the lock
        raise DomainError("plan_changed", _("The plan was made anew after you opened this page. Look at it again."))
    if not policies.can_approve(by, locked):
        raise DomainError(
            "four_eyes", _("An erasure is approved by an officer who did not prepare, ask for or verify it.")
        )
    plan = plan_of(locked)
    if locked.right == Right.ERASURE and (plan is None or plan.expires_at <= now):
        raise DomainError("plan_expired", _("The plan is too old. Send it back and prepare it again."))
    locked.approved_by, locked.approved_at = by, now
    locked.save(update_fields=["approved_by", "approved_at"])
    moved = _move(locked, Status.EXECUTING, actor=by.key, at=now)
    record(actor=by.key, verb="subject_request.approved", target=moved, at=now, plan=moved.plan_hash or None)
    _make_tasks(moved, plan, now=now)
    return moved


def _make_tasks(subject_request: SubjectRequest, plan: ErasurePlan | None, *, now: datetime) -> list[StoreTask]:
    """One task a store. The approval is part of the effect key: sent back and approved again is another effect."""
    kind = TaskKind.ERASE if plan else TaskKind.ACCESS
    ranks = plan.ranks if plan else {EVERY_STORE: 0}
    of_approval = plan.hash[:32] if plan else format(int(now.timestamp()), "x")
    subject_request.store_tasks.filter(executed_at=None).delete()
    return StoreTask.objects.bulk_create(
        StoreTask(
            request=subject_request,
            kind=kind,
            store=store,
            plan_hash=plan.hash if plan else "",
            rank=rank,
            effect_key=f"{kind}:{subject_request.pk}:{of_approval}:{store}",
            next_attempt_at=now,
        )
        for store, rank in ranks.items()
    )


@transaction.atomic
def send_back(subject_request: SubjectRequest, *, words: str, by: User, now: datetime) -> SubjectRequest:
    """The second officer does not approve: back to work, with a note that says why."""
    written = required_words(words, field="words")
    moved = _return(subject_request, reason="not_approved", actor=by.key, now=now)
    add_note(moved, text=written, by=by, now=now)
    return moved


def _return(subject_request: SubjectRequest, *, reason: str, actor: str, now: datetime) -> SubjectRequest:
    """Back to in progress; preparation and approval are void."""
    moved = _move(subject_request, Status.IN_PROGRESS, actor=actor, at=now)
    moved.prepared_by = moved.prepared_at = moved.approved_by = moved.approved_at = None
    moved.plan_hash = ""
    moved.save(update_fields=["prepared_by", "prepared_at", "approved_by", "approved_at", "plan_hash"])
    record(actor=actor, verb="subject_request.sent_back", target=moved, at=now, reason=reason)
    return moved


@transaction.atomic
def refuse_part(part: Part, *, ground: str, words: str, by: User, now: datetime) -> SubjectRequest:
    """Refuse one part: ground, reasons, complaint and court are told within the month (GDPR 12(4)).

    A customer's instruction is declined only because it infringes the law or the customer may not give it (28(3)).
    Raises `InvalidInput` beside `ground` or `words`.
    """
    request = _require(part.request, *TRIAGED)
    locked = request.parts.select_for_update().get(pk=part.pk)
    if locked.outcome:
        raise DomainError("answered", _("This part has its answer."))
    is_controller = locked.capacity == Capacity.CONTROLLER
    if ground not in (REFUSALS_OF_CONTROLLER if is_controller else REFUSALS_OF_PROCESSOR):
        raise InvalidInput("ground", _("Choose a ground that applies to this part."))
    written = required_words(words, field="words")
    outcome = Outcome.REFUSED if is_controller else Outcome.INSTRUCTION_DECLINED
    sealed = crypto.seal(written, bound_to=f"part:{locked.pk}:refusal")
    locked.request = request
    _close_part(locked, outcome, actor=by.key, at=now, ground=ground, words=sealed)
    context = {"words": written, "ground": ground, "capacity": locked.capacity}
    tell_requester(request, "refused", now=now, once=locked.capacity, **context)
    return _close_if_answered(request, actor=by.key, at=now)
