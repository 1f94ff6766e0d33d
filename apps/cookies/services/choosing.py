"""A choice made on a page of ours: recorded as an event of consent, and given back as the browser is to keep it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from apps.consent.models import Event
from apps.consent.services import Decision, decided_at, end_event, event_id, record_decision
from apps.consent.states import Action, Method
from apps.cookies.choice import Choice, allowed, new_visitor
from apps.cookies.models import RegisterVersion, Site
from apps.cookies.states import Category


@dataclass(frozen=True)
class Circumstances:
    """Where and how a choice was made, for its proof."""

    language: str
    page: str  # host and path
    agent: str = ""
    gpc: bool = False
    user_id: uuid.UUID | None = None


@transaction.atomic
def make_choice(
    *,
    site: Site,
    version: RegisterVersion,
    answers: Mapping[str, bool],
    withdraws: bool = False,
    earlier: Choice | None = None,
    seen: Circumstances,
    now: datetime,
) -> Choice:
    """Record what a visitor chose on the page of cookies. With Global Privacy Control marketing stays off (B13).

    `earlier`: what the browser kept before; its random number goes on, and what it said ends.
    """
    said = allowed(answers) - ({Category.MARKETING.value} if seen.gpc else set())
    visitor = earlier.visitor if earlier else new_visitor()
    at = now.astimezone(UTC).replace(microsecond=0)  # the browser's cookie counts in seconds
    choice = Choice(visitor, version.material_number, said, at, event_id(now), seen.gpc)
    action = Action.WITHDRAWN if withdraws else Action.CHOSEN
    record_decision(_decision(site, version, choice, action, earlier, seen), now=now)
    if earlier:
        _end(site, earlier, at=decided_at(choice.event, now=now))
    return choice


def _decision(
    site: Site, version: RegisterVersion, choice: Choice, action: str, earlier: Choice | None, seen: Circumstances
) -> Decision:
    return Decision(
        id=choice.event,
        scope=site.scope,
        subject_key=choice.visitor,
        action=action,
        method=Method.PAGE,
        choices=choice.answers,
        text=version.texts[seen.language],
        language=seen.language,
        until=choice.until(version.validity_months),
        user_id=seen.user_id,
        register_version=version.number,
        gpc=seen.gpc,
        page=seen.page[:200],
        agent=seen.agent,
        previous=earlier.event if earlier else None,
        is_projected=False,
    )


def _end(site: Site, earlier: Choice, *, at: datetime) -> None:
    """What this browser said before counts no longer; an id that is not this visitor's ends nothing (T42)."""
    theirs = Event.objects.of(site.scope, earlier.visitor).filter(id=earlier.event)
    if theirs.exists():
        end_event(earlier.event, at=at)
