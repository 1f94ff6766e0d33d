"""The register's verbs: what was stated is loaded, versions are kept, nothing is approved without a ground."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from apps.cookies.models import Cookie
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.models import Entry
from apps.processors import services
from apps.processors.models import Engagement, Processor
from apps.processors.services import drop_draft, end_engagement, save_engagement, seed_processors
from apps.processors.states import Capacity, Mechanism
from tests.processors.factories import EngagementFactory

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADMIN = "user:00000000-0000-4000-8000-000000000001"
CONTENT = {
    "service": "e-mail service",
    "country": "US",
    "remote_country": "",
    "mechanism": Mechanism.SCC_2021,
    "is_listed": False,
    "capacity": Capacity.SUB_PROCESSOR,
    "note": "",
}


@pytest.fixture(autouse=True)
def empty(db):
    Engagement.objects.all().delete()
    Cookie.objects.exclude(processor=None).delete()
    Processor.objects.all().delete()


def save(approve=True, line=None, seen_version=0, name="SparkPost", now=NOW, **content):
    return save_engagement(name=name, content=CONTENT | content, line=line, seen_version=seen_version, approve=approve,
                           actor=ADMIN, now=now)  # fmt: skip


def ledger(engagement):
    return [(entry.verb, entry.facts) for entry in Entry.objects.about(engagement.target).order_by("id")]


@pytest.mark.req("PRO-1")
def test_every_row_of_the_statement_is_loaded_and_nothing_is_dropped():
    seeded = seed_processors(now=NOW)
    assert (seeded.added, seeded.unchanged) == (29, 0)
    with Path(services.STATED).open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    found = {engagement.processor.name: engagement for engagement in Engagement.objects.for_list()}
    assert set(found) == set(rows)
    for name, row in rows.items():
        engagement = found[name]
        assert (engagement.service, engagement.country, engagement.note) == (
            row["service"],
            row["country"],
            row["source_note"],
        )
        assert bool(engagement.countries_abroad) == (row["in_eea"] == "no")
        assert (engagement.stated_in, engagement.approved_at) == (2020, None)
        assert engagement.mechanism == {"": "", "SCC": "scc_2010", "BCR": "bcr"}[row["transfer_mechanism"]]
        assert engagement.capacity == {"processor": "sub_processor", "controller": "controller"}[row["role"]]
        assert ledger(engagement)[-1] == ("processors.stated", {"version": 1, "stated_in": 2020})


def test_seeding_again_leaves_what_people_changed():
    seed_processors(now=NOW)
    zendesk = Engagement.objects.get(processor__name="Zendesk")
    save(line=zendesk.line, seen_version=1, name="Zendesk Inc.", service="customer support")
    before = list(Engagement.objects.order_by("id").values())
    assert seed_processors(now=NOW).added == 0
    assert list(Engagement.objects.order_by("id").values()) == before


@pytest.mark.req("PRO-3")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"mechanism": ""}, "Choose a transfer mechanism"),
        ({"mechanism": "", "country": "NL", "remote_country": "IN"}, "Choose a transfer mechanism"),
        ({"mechanism": "scc_2010"}, "until 27 December 2022"),
        ({"mechanism": "privacy_shield"}, "until 16 July 2020"),
        ({"mechanism": "adequacy"}, "does not lead to this country"),
        ({"mechanism": "dpf"}, "confirm below"),
    ],
)
def test_nothing_is_approved_without_a_mechanism_that_carries_today(change, why):
    with pytest.raises(InvalidInput, match=why) as refused:
        save(**change)
    assert refused.value.field == "mechanism"
    assert not Engagement.objects.exists()
    assert save(approve=False, **change).is_draft  # a draft may be unfinished


@pytest.mark.req("PRO-3")
@pytest.mark.parametrize("change", [{"country": "US"}, {"remote_country": "IN"}])
def test_the_database_refuses_an_approval_without_a_mechanism_too(change):
    with pytest.raises(IntegrityError, match="engagement_approved_has_a_mechanism"), transaction.atomic():
        EngagementFactory(mechanism="", **change)
    EngagementFactory(mechanism="", stated=True, **change)


@pytest.mark.parametrize(
    "broken",
    [
        {"stated_in": 2020},
        {"approved_at": None},
        {"mechanism": "handshake"},
        {"capacity": "friend"},
        {"country": "nl"},
        {"remote_country": "U"},
    ],
)
def test_the_database_refuses_rows_that_cannot_be(broken):
    with pytest.raises(IntegrityError), transaction.atomic():
        EngagementFactory(**broken)


def test_a_draft_changes_nothing_in_public_until_it_is_approved():
    first = save()
    draft = save(approve=False, line=first.line, seen_version=1, service="mail")
    assert [e.version for e in Engagement.objects.published()] == [1]
    save(line=first.line, seen_version=draft.version, service="mail")
    assert [(e.version, e.service) for e in Engagement.objects.published()] == [(3, "mail")]
    assert [verb for verb, _ in ledger(first)] == [
        "processors.drafted", "processors.approved", "processors.drafted", "processors.drafted", "processors.approved",
    ]  # fmt: skip
    assert ledger(first)[1][1] == {"version": 1, "country": "US", "mechanism": "scc_2021"}


def test_who_processed_what_on_that_day_is_answerable():
    first = save(now=datetime(2026, 2, 1, 12, tzinfo=UTC))
    save(line=first.line, seen_version=1, service="mail", now=datetime(2026, 5, 1, 12, tzinfo=UTC))
    services_on = {
        day: [e.service for e in Engagement.objects.in_force(on=date(2026, *day))] for day in ((1, 31), (2, 2), (5, 2))
    }
    assert services_on == {(1, 31): [], (2, 2): ["e-mail service"], (5, 2): ["mail"]}


def test_of_two_who_change_the_same_entry_the_later_one_is_told():
    first = save()
    save(line=first.line, seen_version=1, service="mail")
    with pytest.raises(DomainError, match="Somebody else") as stale:
        save(line=first.line, seen_version=1, service="letters")
    assert stale.value.code == "stale"


def test_nobody_is_on_the_list_twice_for_the_same_service():
    save()
    with pytest.raises(InvalidInput, match="already") as double:
        save(name="sparkpost", service="E-mail Service")
    assert double.value.field == "service"
    save(service="analytics")
    assert Processor.objects.count() == 1


def test_an_entry_taken_off_the_list_keeps_its_history():
    engagement = save()
    end_engagement(engagement.line, actor=ADMIN, now=NOW)
    assert not Engagement.objects.current().exists()
    assert Engagement.objects.of_line(engagement.line).count() == 1
    assert ledger(engagement)[-1][0] == "processors.ended"
    with pytest.raises(DomainError, match="already"):
        end_engagement(engagement.line, actor=ADMIN, now=NOW)


def test_a_dropped_draft_leaves_what_is_published():
    first = save()
    save(approve=False, line=first.line, seen_version=1, service="mail")
    drop_draft(first.line, actor=ADMIN, now=NOW)
    assert [e.version for e in Engagement.objects.current()] == [1]
    with pytest.raises(DomainError, match="no draft"):
        drop_draft(first.line, actor=ADMIN, now=NOW)
