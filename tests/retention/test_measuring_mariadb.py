"""The same measurements of a store in MariaDB."""

from datetime import date

import pytest

from apps.datamap import services as datamap
from apps.datamap import sizes
from apps.retention import services
from apps.retention.models import Measurement, Rule
from tests.datamap.conftest import NOW, mariadb_socket, market
from tests.retention.factories import RuleFactory

__all__ = ["mariadb_socket", "market"]  # fixtures
pytestmark = pytest.mark.req("RET-3")


def test_a_store_in_mariadb_is_measured_like_any_other(market):
    Rule.objects.all().delete()
    RuleFactory(key="content", collections=["market:messages"])
    RuleFactory(key="eea", region="eea", period="P8M", collections=["market:messages"])
    services.measure(now=NOW)
    found = Measurement.objects.get(collection="market:messages")
    assert (found.rows, found.over_kept, found.oldest) == (5, 3, date(2026, 2, 1))
    assert found.bytes > 0
    assert found.expiring == {"2026-11": 3, "2027-02": 1, "2027-04": 1}


def test_a_large_table_there_is_estimated(market, monkeypatch):
    market.sql("ANALYZE TABLE messages")
    monkeypatch.setattr(sizes, "EXACT_BELOW", 2)
    assert datamap.sizes("market")["market:messages"].is_estimate
