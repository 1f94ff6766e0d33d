"""The sample platform in a real database: partitions, keys, owners, and the command that makes it."""

from collections import Counter
from datetime import date
from io import StringIO

import psycopg2.extensions
import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.datamap.models import DatasetVersion
from apps.demo import people, schema, services, tasks
from apps.demo.connections import connect, connect_platform
from apps.demo.world import HISTORY_DAYS

AT = date(2026, 3, 29)


class Filled(psycopg2.extensions.cursor):
    counts: Counter[str]


@pytest.fixture(scope="module")
def platform(django_db_setup):
    """A cursor in one transaction that holds a platform of the tests' scale, and is rolled back."""
    from django.conf import settings

    with connect(settings.DATABASE_OWNER_URL) as connection, connection.cursor(cursor_factory=Filled) as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS platform CASCADE")
        schema.create_schema(cursor, owned_by="portal_app")
        cursor.execute("SET LOCAL ROLE portal_app")
        cursor.counts = services.fill(cursor, scale="tiny", seed=1, at=AT)
        yield cursor
        connection.rollback()


@pytest.fixture
def undone(platform):
    """What a test changes is undone after it."""
    platform.execute("SAVEPOINT before")
    yield platform
    platform.execute("ROLLBACK TO SAVEPOINT before")


def ask(cursor, statement, *values):
    cursor.execute(statement, values)
    return cursor.fetchall()


def test_every_table_is_filled_and_belongs_to_the_app_role(platform):
    tables = ask(
        platform,
        "SELECT c.relname, r.rolname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
        "WHERE relnamespace = 'platform'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition",
    )
    assert {owner for _, owner in tables} == {"portal_app"}
    assert {name for name, _ in tables} == {*platform.counts, "portal_effects"}
    for table, count in platform.counts.items():
        assert ask(platform, f"SELECT count(*) FROM platform.{table}") == [(count,)]


def test_communications_lie_in_partitions_by_region_and_month(platform):
    for table in schema.PARTITIONED:
        for (partition,) in ask(platform, f"SELECT DISTINCT tableoid::regclass::text FROM platform.{table}"):
            assert partition.startswith((f"platform.{table}_eea_20", f"platform.{table}_other_20"))
    assert ask(platform, "SELECT DISTINCT region FROM platform.messages ORDER BY 1") == [("EEA",), ("other",)]


def test_visits_lie_in_partitions_by_month_of_which_one_can_be_swapped(platform):
    parts = {name for (name,) in ask(platform, "SELECT DISTINCT tableoid::regclass::text FROM platform.web_visits")}
    assert len(parts) > 12
    assert all(name.startswith("platform.web_visits_20") for name in parts)
    keys = ask(platform, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass "
                         "AND contype IN ('p', 'f')", "platform.web_visits")  # fmt: skip
    assert keys == [("PRIMARY KEY (created_at, id)",)]


def test_there_is_no_default_partition_and_no_foreign_key_into_communications(platform):
    assert ask(platform, "SELECT partdefid FROM pg_partitioned_table WHERE partdefid <> 0") == []
    into = ask(
        platform,
        "SELECT conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid WHERE contype = 'f' "
        "AND relnamespace = 'platform'::regnamespace AND (relkind = 'p' OR relispartition)",
    )
    assert into == []


def test_the_primary_key_of_communications_is_region_instant_and_id(platform):
    for table in schema.PARTITIONED:
        [(key,)] = ask(
            platform,
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'",
            f"platform.{table}",
        )
        assert key == "PRIMARY KEY (region, created_at, id)"


def test_months_reach_from_the_first_row_to_three_months_ahead(platform):
    months = [
        name[-7:] for (name,) in ask(platform, "SELECT relname FROM pg_class WHERE relname ~ '^messages_eea_20.{5}$'")
    ]
    assert (min(months), max(months)) == ("2025_07", "2026_06")
    assert HISTORY_DAYS == 270


def test_a_row_beyond_the_months_is_an_error(undone):
    with pytest.raises(psycopg2.errors.CheckViolation):
        undone.execute(
            "INSERT INTO platform.traffic_records (region, created_at, account_id, channel, route, country) "
            "VALUES ('EEA', '2026-07-01 00:00:00+00', 1001, 'sms', 'r', 'NL')"
        )


def test_months_are_made_ahead_once_however_often_the_task_runs(undone):
    made = [services.make_months_ahead(undone, today=date(2026, 4, 1)) for _ in range(3)]
    assert made == [len(schema.PARTITIONED) * len(schema.REGIONS) + len(schema.BY_MONTH), 0, 0]
    undone.execute(
        "INSERT INTO platform.messages (region, created_at, account_id, direction, channel) "
        "VALUES ('other', '2026-07-31 23:59:59+00', 1001, 'inbound', 'sms') RETURNING id, tableoid::regclass::text"
    )
    assert undone.fetchall() == [(undone.counts["messages"] + 1, "platform.messages_other_2026_07")]
    indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = %s"
    assert ask(undone, indexes, "messages_eea_2026_07") == ask(undone, indexes, "messages_eea_2026_03")


def test_the_year_turns(undone):
    services.make_months_ahead(undone, today=date(2026, 11, 30))
    names = {name for (name,) in ask(undone, "SELECT relname FROM pg_class WHERE relname ~ '^calls_other_20.{5}$'")}
    assert {"calls_other_2026_12", "calls_other_2027_01", "calls_other_2027_02"} <= names


def test_a_filled_platform_is_left_alone(platform):
    with pytest.raises(services.AlreadyFilled):
        services.fill(platform, scale="tiny", seed=2, at=AT)


def test_a_filled_platform_is_replaced_when_asked(undone):
    counts = services.fill(undone, scale="tiny", seed=2, at=date(2026, 1, 1), replace=True)
    assert ask(undone, "SELECT count(*), max(created_at) < '2026-01-01 00:00:00+00' FROM platform.messages") == [
        (counts["messages"], True)
    ]


def test_every_identity_column_of_the_map_leads_an_index(platform):
    import yaml

    from apps.demo.services import DATASET_FILE

    leading = ask(
        platform,
        "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] "
        "WHERE c.relnamespace = 'platform'::regnamespace AND i.indpred IS NULL",
    )
    for collection in yaml.safe_load(DATASET_FILE.read_text())["collections"]:
        for field in collection["fields"]:
            meta = field.get("fides_meta", {})
            if "identity" in meta or "references" in meta:
                assert (collection["name"], field["name"]) in leading


def test_the_map_names_every_column_and_no_other(platform):
    import yaml

    from apps.demo.services import DATASET_FILE

    live = ask(
        platform,
        "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns "
        "WHERE table_schema = 'platform' AND table_name = ANY(%s) GROUP BY 1",
        list(platform.counts),
    )
    declared = {
        collection["name"]: {field["name"] for field in collection["fields"]}
        for collection in yaml.safe_load(DATASET_FILE.read_text())["collections"]
    }
    assert declared == {table: set(columns) for table, columns in live}


def test_nested_and_array_fields_hold_values(platform):
    [(tagged, nested)] = ask(
        platform,
        "SELECT count(*) FILTER (WHERE cardinality(tags) > 1), count(*) FILTER (WHERE attributes #>> '{loyalty,level}' "
        "IN ('silver', 'gold')) FROM platform.contacts",
    )
    assert tagged > 5
    assert nested == platform.counts["contacts"]


def test_the_shared_person_has_recordings_in_both_accounts(platform):
    for account in (people.ACME, people.GLOBEX):
        [(recordings,)] = ask(
            platform,
            "SELECT count(*) FROM platform.call_recordings r JOIN platform.calls c ON c.id = r.call_id "
            "WHERE r.account_id = %s AND %s IN (c.sender, c.recipient)",
            account,
            people.SHARED_PHONE,
        )
        assert recordings > 0


class TestCommand:
    def test_it_refuses_where_sample_data_is_not_wanted(self, settings):
        settings.DEMO = False
        with pytest.raises(CommandError, match="DEMO=1"):
            call_command("demo", "--scale", "tiny")

    def test_it_fills_once_and_then_says_so(self, committed_db, settings):
        settings.DEMO = True
        with connect(committed_db.owner_url) as owner:
            owner.cursor().execute("DROP SCHEMA IF EXISTS platform CASCADE")
        first, second = StringIO(), StringIO()
        call_command("demo", "--scale", "tiny", "--at", "2026-03-29", "--platform-only", stdout=first)
        with connect_platform() as connection, connection.cursor() as cursor:
            before = ask(cursor, "SELECT md5(string_agg(m::text, '' ORDER BY id)) FROM platform.messages m")
        call_command("demo", "--scale", "tiny", "--seed", "5", "--platform-only", stdout=second)
        with connect_platform() as connection, connection.cursor() as cursor:
            assert ask(cursor, "SELECT md5(string_agg(m::text, '' ORDER BY id)) FROM platform.messages m") == before
        assert "messages" in first.getvalue()
        assert "filled already" in second.getvalue()

    def test_it_puts_the_platform_on_the_map_and_makes_the_sign_ins(self, committed_db, settings):
        settings.DEMO = True
        call_command("demo", stdout=StringIO())
        call_command("demo", stdout=StringIO())
        assert DatasetVersion.objects.filter(fides_key="platform", store="platform").count() == 1
        assert User.objects.filter(email="privacy@acme.example").count() == 1

    def test_the_task_works_on_the_store_and_without_a_platform_does_nothing(self, committed_db):
        with connect(committed_db.owner_url) as owner:
            owner.cursor().execute("DROP SCHEMA IF EXISTS platform CASCADE")
        assert tasks.make_months_ahead() == 0
