"""The sample consents that `make run` begins with: rates, what was shown, and people whose history can be found."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from apps.consent import figures
from apps.consent.models import PROVIDER, Event, Objection, PaymentMethod, Range, Served, State, Subscription, TopUp
from apps.consent.services import decided_at, proof, ranges
from apps.consent.states import Method
from apps.cookies.models import Site
from apps.cookies.services import preview, seed_cookies
from apps.core import reporting
from apps.demo import consents
from apps.demo.sign_ins import create_sign_ins
from tests.accounts.factories import UserFactory

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def make():
    seed_cookies(now=NOW - timedelta(days=1), samples=True)
    create_sign_ins(now=NOW - timedelta(days=200))
    return lambda now=NOW: consents.make_sample_consents(seed=1, now=now)


def counted(period):
    return figures.answers(period(NOW.date()))


def test_the_officers_see_rates_over_time_for_every_notice_method_language_and_version(make):
    assert 500 < make() < 1_500
    answers = counted(reporting.last_year)
    cookies = [one for one in answers if one.notice == "cookies:demo"]
    assert {one.version for one in cookies} == {1, 2}
    assert {one.purpose for one in cookies} == {"performance", "functional", "marketing"}
    others = {"newsletter", "product_marketing", "saved_payment_method", "automatic_top_up"}
    assert {one.notice for one in answers} == {"cookies:demo"} | others
    assert {one.language for one in answers} == {"en", "nl", "ar"}
    assert {one.method for one in answers} == set(Method) - {Method.HANDOVER, Method.REQUEST, Method.API}
    weeks = Counter(one.cut for one in counted(reporting.last_three_months) if one.notice == "cookies:demo")
    assert len(weeks) >= 13
    for period in (reporting.last_days, reporting.last_three_months):
        told = counted(period)
        assert {one.is_yes for one in told if one.notice == "newsletter"} == {True, False}


def test_more_banners_were_shown_than_answered_in_each_language_and_version(make):
    make()
    shown = [one for one in figures.shown(reporting.last_year(NOW.date())) if one.notice == "cookies:demo"]
    assert len(shown) == 6
    assert all(one.served > one.acts > 0 for one in shown)


def test_what_holds_follows_from_the_acts_and_the_clock_finds_nothing_left_to_end(make):
    make()
    for event in Event.objects.all():
        assert event.at == event.received_at == decided_at(event.id, now=event.at) < NOW
        assert event.ended_at is None or event.ended_at >= event.at
    for state in State.objects.filter(scope=PROVIDER):
        newest = Event.objects.of(PROVIDER, state.subject_key).filter(choices__has_key=state.purpose).last()
        assert (state.event, state.is_allowed) == (newest.id, newest.choices[state.purpose])
        assert (newest.ended_at is None) == state.is_allowed
    while ranges.close_range(now=NOW):
        pass
    assert Range.objects.count() < 200  # one tick of the clock
    assert proof.end_replaced_choices(now=NOW, at_most=1_000) == 0
    assert {ranges.verify_range(one, now=NOW).difference for one in Range.objects.order_by("?")[:5]} == {""}


def test_who_still_reads_the_newsletter_has_an_address_and_nothing_is_saved_or_charged(make):
    make()
    reading = State.objects.filter(purpose="newsletter", is_allowed=True).values_list("subject_key", "event")
    assert dict(Subscription.objects.values_list("lookup", "event")) == dict(reading)
    assert len(reading) > 50
    assert all(one.read().endswith((".example", ".com", ".net", ".org")) for one in Subscription.objects.all())
    assert not PaymentMethod.objects.exists()
    assert not TopUp.objects.exists()
    assert Objection.objects.open().count() == consents.OBJECTORS


def test_only_the_sample_site_and_people_are_in_it(make):
    make()
    sites = {scope for scope in Event.objects.values_list("scope", flat=True) if scope != PROVIDER}
    assert sites == {site.scope for site in Site.objects.filter(is_sample=True)}
    assert set(Served.objects.values_list("scope", flat=True)) == sites
    assert not preview(Site.objects.get(key="demo")).is_any  # a later `seed` has nothing to publish


def test_the_same_seed_gives_the_same_acts_and_running_it_again_adds_none(make):
    made = make()
    ids = set(Event.objects.values_list("id", flat=True))
    assert make() == make(NOW + timedelta(days=3)) == 0
    assert set(Event.objects.values_list("id", flat=True)) == ids
    assert len(ids) == made
    story = consents.Story(consents.random.Random("1:consents"), NOW)
    site = Site.objects.get(key="demo")
    consents._visitors(story, site, consents._versions(site, now=NOW))
    assert {event.id for event in story.events} <= ids


def test_nothing_is_added_to_what_was_closed_or_without_the_sample_site(make):
    Range.objects.create(begins_at=NOW - timedelta(hours=2), ends_at=NOW - timedelta(hours=1), count=0, digest="0" * 64)
    assert make() == 0
    Range.objects.all().delete()
    Site.objects.filter(key="demo").update(is_sample=False)
    assert make() == 0


def test_an_officer_finds_a_sample_person(make, client, sign_in):
    make()
    sign_in(client, UserFactory(officer=True))
    page = client.post("/desk/consents/search/", {"kind": "email", "value": "owner@acme.example"})
    assert sum(one.count for one in page.context["found"]) >= 1
    assert client.get("/desk/consents/?period=12-months").status_code == 200


def test_the_tests_own_world_gets_none(settings):
    settings.DEMO = True
    call_command("demo", "--scale", "tiny", stdout=StringIO())
    assert not Event.objects.exists()
