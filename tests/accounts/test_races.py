"""What many do at the same instant, on a database that really commits."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.accounts import services
from apps.accounts.models import StepUpCode
from apps.accounts.services import teams
from apps.accounts.states import MemberRole, Role
from apps.core import clock, limits
from apps.core.errors import DomainError
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory, UserFactory
from tests.accounts.outbox import last_code


def at_once(work, items):
    def run(item):
        try:
            return work(item)
        except DomainError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        return list(pool.map(run, items))


@pytest.mark.threat("T16")
def test_fifty_parallel_guesses_use_up_three_tries(committed_db):
    user = UserFactory()
    now = clock.now()
    bound = {"session_key": "s", "purpose": "p", "now": now}
    services.send_code(user, channel="sms", language="en", **bound)
    right = last_code(user.phone_number)
    wrong = "000000" if right != "000000" else "111111"

    assert not any(at_once(lambda _: services.spend_code(user, typed=wrong, **bound), range(50)))
    assert StepUpCode.objects.get().tries == 3
    assert not services.spend_code(user, typed=right, **bound)


@pytest.mark.threat("T43")
def test_of_fifty_who_enter_the_right_code_one_passes(committed_db):
    user = UserFactory()
    bound = {"session_key": "s", "purpose": "p", "now": clock.now()}
    services.send_code(user, channel="sms", language="en", **bound)
    right = last_code(user.phone_number)
    assert sum(at_once(lambda _: services.spend_code(user, typed=right, **bound), range(50))) == 1


@pytest.mark.threat("T38", "T43")
def test_a_limit_of_three_lets_three_of_fifty_through(committed_db):
    taken = at_once(lambda _: limits.take("door", slots=3, seconds=60), range(50))
    assert sum(taken) == 3


@pytest.mark.threat("T43")
def test_two_administrators_cannot_remove_each_other(committed_db):
    one, two = UserFactory(admin=True), UserFactory(admin=True)
    pairs = [(one, two), (two, one)]
    answers = at_once(
        lambda pair: services.revoke_role(user=pair[0], role=Role.ADMIN, actor=pair[1].key, now=clock.now()), pairs
    )
    assert sorted(map(str, answers)) == ["True", "staff.last_admin"]


@pytest.mark.threat("T43")
def test_two_owners_cannot_both_leave(committed_db, monkeypatch):
    checked = threading.Barrier(2)
    check = teams._keep_an_owner

    def check_and_wait(membership):
        check(membership)
        with contextlib.suppress(threading.BrokenBarrierError):
            checked.wait(timeout=1)  # without a lock both get here, and both go on

    monkeypatch.setattr(teams, "_keep_an_owner", check_and_wait)
    account = CustomerAccountFactory()
    owners = [MembershipFactory(account=account, role=MemberRole.OWNER) for _ in range(2)]
    answers = at_once(lambda owner: services.remove_member(owner, actor="system", now=clock.now()), owners)
    assert sorted(map(str, answers)) == ["None", "team.last_owner"]
