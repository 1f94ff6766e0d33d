"""What a request needs stays until seven days after it closed, whoever plans an erasure."""

from datetime import timedelta

import pytest

from apps.datamap import services as datamap
from apps.subject_requests import services
from apps.subject_requests.states import About, Right
from tests.subject_requests.factories import NOW, filed, member

IDENTIFIERS = "portal_subject_requests:subject_requests_subjectidentifier"


def fate(platform, *, now):
    """What an erasure of the person would do with the identifiers in requests about them."""
    scope = datamap.Scope(identities=(platform.identity,), account="1001")
    lines = datamap.plan_erasure(scope, actor="system", now=now).lines
    return {(line["action"], line["kind"]): line["count"] for line in lines if line["collection"] == IDENTIFIERS}


@pytest.mark.req("RET-4")
def test_identifiers_of_an_open_request_stay_until_seven_days_after_it_closed(platform):
    one = filed(Right.ACCESS, account=platform.acme, by=platform.requester, identities=[platform.identity])
    assert fate(platform, now=NOW) == {("erase", None): 0, ("keep", "open_request"): 1}
    services.withdraw_request(one, by=platform.requester, now=NOW)
    week = NOW + timedelta(days=7)
    assert fate(platform, now=week - timedelta(seconds=1))[("keep", "open_request")] == 1
    assert fate(platform, now=week)[("erase", None)] == 1


def test_whoever_waits_for_an_answer_keeps_their_sign_in(platform):
    by = member(platform.acme, "member", email="ann@acme.example")
    filed(Right.ACCESS, about=About.OWN, account=platform.acme, by=by)
    scope = datamap.Scope(tuple(services.own_identities(by)), account="1001", own=True, capacities=("controller",))
    lines = datamap.plan_erasure(scope, actor="system", now=NOW).lines
    people = [line for line in lines if line["collection"].startswith("portal_accounts:") and line["count"]]
    assert {line["collection"].partition(":")[2] for line in people} >= {"accounts_user", "accounts_membership"}
    assert {(line["action"], line["kind"]) for line in people} == {("keep", "open_request")}
