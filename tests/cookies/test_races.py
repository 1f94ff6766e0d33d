"""Two administrators at the same moment."""

import threading

import pytest
from django.db import connections, transaction

from apps.cookies.models import Site
from apps.core.errors import InvalidInput
from tests.cookies.test_sites import add


@pytest.mark.req("COO-4")
@pytest.mark.threat("T42")
def test_of_two_sites_that_are_saved_at_once_one_gets_the_host(committed_db):
    """The second waits for the first, and then sees it."""
    told = []

    def second():
        try:
            add("second", hosts=["www.fair.example"])
        except InvalidInput as error:
            told.append(error.field)
        finally:
            connections.close_all()

    worker = threading.Thread(target=second)
    with transaction.atomic():
        add("first", hosts=["www.fair.example"])
        worker.start()
        worker.join(1)
        assert worker.is_alive()
    worker.join(20)
    assert told == ["hosts"]
    assert Site.objects.hosting("www.fair.example").get().key == "first"
