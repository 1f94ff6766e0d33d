"""Restrictions and objections: they stand from their instant until they are lifted, with a line of evidence each."""

import pytest

from apps.consent.models import PROVIDER, Objection, Restriction
from apps.consent.services import limits
from apps.consent.states import MARKETING, Ground
from apps.core.clock import now
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.models import Entry

pytestmark = pytest.mark.django_db
KEY = "a" * 64
SUBJECT = {"scope": PROVIDER, "subject_key": KEY, "actor": "system"}


def verbs():
    ours = Entry.objects.filter(target__startswith="consent.restriction:") | Entry.objects.filter(
        target__startswith="consent.objection:"
    )
    return list(ours.order_by("pk").values_list("verb", flat=True))


@pytest.mark.req("CON-2")
def test_restricting_twice_is_one_restriction_and_one_line():
    first, is_new = limits.restrict_subject(
        **SUBJECT, ground=Ground.ACCURACY, source="request:PR-2026-000001", now=now()
    )
    again, is_newer = limits.restrict_subject(**SUBJECT, ground=Ground.ACCURACY, now=now())
    assert (first.pk, is_new, is_newer) == (again.pk, True, False)
    limits.restrict_subject(**SUBJECT, ground=Ground.CLAIMS, now=now())
    assert Restriction.objects.of(PROVIDER, KEY).open().count() == 2
    assert verbs() == ["consent.restricted"] * 2
    assert KEY not in str(list(Entry.objects.values_list("facts", "target")))


def test_a_restriction_is_lifted_with_notice_and_once():
    restriction, _ = limits.restrict_subject(**SUBJECT, ground=Ground.OBJECTION, now=now())
    with pytest.raises(DomainError):
        limits.lift_restriction(restriction, notice="", actor="system", now=now())
    assert limits.lift_restriction(restriction, notice="notifications.message:7", actor="system", now=now())
    assert not limits.lift_restriction(restriction, notice="notifications.message:7", actor="system", now=now())
    assert not Restriction.objects.open().exists()
    again, is_new = limits.restrict_subject(**SUBJECT, ground=Ground.OBJECTION, now=now())
    assert is_new, "the same ground may come up again"
    assert again.pk != restriction.pk
    assert verbs() == ["consent.restricted", "consent.restriction_lifted", "consent.restricted"]


def test_a_ground_that_the_law_does_not_know_is_refused():
    with pytest.raises(InvalidInput):
        limits.restrict_subject(**SUBJECT, ground="because", now=now())


@pytest.mark.req("CON-5")
def test_an_objection_stands_once_until_it_is_lifted():
    first, is_new = limits.object_to_purpose(**SUBJECT, purpose=MARKETING, now=now())
    _again, is_newer = limits.object_to_purpose(**SUBJECT, purpose=MARKETING, now=now())
    assert (is_new, is_newer) == (True, False)
    assert limits.lift_objection(first, actor="system", now=now())
    assert not limits.lift_objection(first, actor="system", now=now())
    assert Objection.objects.of(PROVIDER, KEY).open().count() == 0
    assert verbs() == ["consent.objected", "consent.objection_lifted"]
