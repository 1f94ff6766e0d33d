"""What finance settings and subscriptions hold about a person is found, erased and swept like all other data."""

from datetime import date, datetime, timedelta

import pytest

from apps.consent.models import PROVIDER, Event, Objection, PaymentMethod, State, Subscription
from apps.consent.services import finance, subscriptions
from apps.consent.services.answers import Manner, current_text
from apps.consent.states import MARKETING, Method, Need
from apps.core import clock, crypto
from apps.datamap import services as datamap
from apps.retention import planning, services
from apps.retention.models import Rule
from tests.accounts.factories import MembershipFactory
from tests.consent.mail import JAN
from tests.retention.leaving import announced

SAID = {"manner": Manner(Method.SWITCH, "testserver/")}
CARD = {"last_four": "4242", "expires": "2031-05", "holder": "Jan"}


def owner_with_everything(*, now):
    membership = MembershipFactory(role="owner", user__email=JAN.value)
    text = {purpose: current_text(purpose, "en").digest for purpose in (finance.METHOD, subscriptions.NEWSLETTER)}
    given = {"account": membership.account, "by": membership.user, "now": now, **SAID}
    finance.save_payment_method(kind="card", details=CARD, text=text[finance.METHOD], **given)
    subscriptions.subscribe(identities=[JAN], text=text[subscriptions.NEWSLETTER], language="en", now=now, **SAID)
    return given


def scope():
    return datamap.Scope((JAN,), None, own=True, datasets=("portal_consent",))


@pytest.mark.django_db
@pytest.mark.req("CON-3")
def test_a_person_finds_what_they_saved_and_what_they_get():
    now = clock.now()
    owner_with_everything(now=now)
    found = datamap.find(scope(), now=now).rows
    [method] = found["portal_consent:consent_paymentmethod"]
    assert "4242" in method["details"]
    [subscription] = found["portal_consent:consent_subscription"]
    assert subscription["address"] == JAN.value


@pytest.mark.req("CON-4", "CON-5")
def test_an_erasure_takes_the_address_and_the_method_and_leaves_the_proof_and_the_objection(committed_db):
    now = clock.now()
    owner_with_everything(now=now)
    key = crypto.lookup(JAN)
    subscriptions.stop_marketing(subject_key=key, purpose=MARKETING, language="en", now=now, **SAID)
    events = Event.objects.count()
    plan = datamap.plan_erasure(scope(), actor="command", now=now)
    datamap.execute(plan, store="portal", effect_key="e", actor="command", now=now)
    assert not PaymentMethod.objects.exists()
    assert not Subscription.objects.exists()
    assert Event.objects.count() == events
    assert Objection.objects.of(PROVIDER, key).open().exists()
    assert not State.objects.of(PROVIDER, key).allowing(at=now).exists()


@pytest.mark.req("CON-3", "RET-1")
def test_the_retention_rule_reaches_a_method_the_day_after_it_is_needed_no_more(committed_db):
    now = clock.now()
    given = owner_with_everything(now=now)
    until: date = (now + timedelta(days=9)).date()
    finance.need_payment_method(account=given["account"], need=Need.REFUND, until=until, now=now)
    finance.withdraw_payment_method(language="en", **given)
    for day, going in ((until, 0), (until + timedelta(days=1), 1)):
        lines = planning.survey(list(Rule.objects.current()), day=day, keys=("payment_methods",))
        assert sum(one["count"] for one in lines if one["collection"].endswith("consent_paymentmethod")) == going
    at = datetime.combine(until + timedelta(days=1), now.time(), now.tzinfo)
    plan = services.make_plan(day=at.date(), now=at, actor="command", keys=("payment_methods",))
    started = services.start_sweep(plan.hash, actor="command", now=at)
    services.run_sweep(started, tick=lambda: at)
    assert not PaymentMethod.objects.exists()


@pytest.mark.req("CON-3", "RET-1")
def test_the_consent_ends_with_the_service_of_a_customer_that_leaves(committed_db):
    now = clock.now()
    given = owner_with_everything(now=now)
    last_day = now.date()
    announced(given["account"], now=now, ends_on=last_day)
    for day, going in ((last_day, 0), (last_day + timedelta(days=1), 1)):
        lines = planning.survey(list(Rule.objects.current()), day=day, keys=("payment_methods",))
        assert sum(one["count"] for one in lines if one["collection"].endswith("consent_paymentmethod")) == going
