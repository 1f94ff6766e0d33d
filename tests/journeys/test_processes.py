"""The processes that a portal is made of, as compose starts them."""

import json
import urllib.request

import pytest

from tests.journeys.conftest import wait_for


def test_web_is_ready_when_database_migrations_and_broker_are(live_portal):
    with urllib.request.urlopen(f"{live_portal.url}/readyz", timeout=5) as response:
        assert json.load(response) == {"database": "ok", "broker": "ok"}


@pytest.mark.req("DSR-4")
def test_beat_and_worker_deliver_what_stands_in_the_outbox(live_portal):
    from apps.core import clock
    from apps.notifications.models import OutgoingMessage
    from apps.notifications.services import notify

    notify(key="k", to="jan@example.com", template="accounts/nothing", language="en", context={}, now=clock.now())
    wait_for(lambda: OutgoingMessage.objects.get().attempts, what="the first attempt")
