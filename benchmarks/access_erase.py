"""One person: access over eleven collections, and the erasure of ten thousand rows, in a shop of 20,000 customers."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from privacy_portal.embedded import Servers
from privacy_portal.embedded.servers import connect

RUNS = 5
ROWS = 10_000
ELEVEN = {  # table -> columns; the first is the primary key
    "address": "id bigint PRIMARY KEY, street text, city text",
    "customer": "id bigint PRIMARY KEY, email text, name text, address_id bigint",
    "employee": "id bigint PRIMARY KEY, email text, name text, address_id bigint",
    "login": "id bigint PRIMARY KEY, customer_id bigint REFERENCES bench.customer, at timestamptz, ip inet",
    "orders": "id bigint PRIMARY KEY, customer_id bigint REFERENCES bench.customer, ship_to bigint",
    "order_item": "id bigint PRIMARY KEY, order_id bigint REFERENCES bench.orders, note text",
    "payment_card": "id bigint PRIMARY KEY, customer_id bigint REFERENCES bench.customer, holder text",
    "report": "id bigint PRIMARY KEY, email text, words text",
    "service_request": "id bigint PRIMARY KEY, email text, words text",
    "visit": "id bigint PRIMARY KEY, email text, at timestamptz",
    "review": "id bigint PRIMARY KEY, customer_id bigint, words text",
}
REFERENCES = {  # field -> what it references, and which way values flow
    ("customer", "address_id"): ("address.id", "to"),
    ("employee", "address_id"): ("address.id", "to"),
    ("login", "customer_id"): ("customer.id", "from"),
    ("orders", "customer_id"): ("customer.id", "from"),
    ("orders", "ship_to"): ("address.id", "to"),
    ("order_item", "order_id"): ("orders.id", "from"),
    ("payment_card", "customer_id"): ("customer.id", "from"),
    ("review", "customer_id"): ("customer.id", "from"),
}
FILL = """
INSERT INTO bench.address SELECT n, 'Elm ' || n, 'Delft' FROM generate_series(1, 20000) n;
INSERT INTO bench.customer SELECT n, 'c' || n || '@example.org', 'Name ' || n, n FROM generate_series(1, 20000) n;
INSERT INTO bench.employee SELECT n, 'e' || n || '@example.org', 'Name ' || n, n FROM generate_series(1, 100) n;
INSERT INTO bench.login SELECT n, 1 + n % 20000, now(), '192.0.2.1' FROM generate_series(1, 200000) n;
INSERT INTO bench.orders SELECT n, 1 + n % 20000, 1 + n % 20000 FROM generate_series(1, 60000) n;
INSERT INTO bench.order_item SELECT n, 1 + n % 60000, 'note' FROM generate_series(1, 180000) n;
INSERT INTO bench.payment_card SELECT n, n, 'Name ' || n FROM generate_series(1, 20000) n;
INSERT INTO bench.report SELECT n, 'c' || n || '@example.org', 'words' FROM generate_series(1, 20000) n;
INSERT INTO bench.service_request SELECT n, 'c' || n || '@example.org', 'words' FROM generate_series(1, 20000) n;
INSERT INTO bench.visit SELECT n, 'c' || 1 + n % 20000 || '@example.org', now() FROM generate_series(1, 100000) n;
INSERT INTO bench.review SELECT n, 1 + n % 20000, 'words' FROM generate_series(1, 40000) n;
ANALYZE bench.address; ANALYZE bench.customer; ANALYZE bench.login; ANALYZE bench.orders; ANALYZE bench.order_item;
"""


def measure(servers: Servers) -> Iterator[Figure]:
    """Access to the rows of customer 7, as the worker asks; then 10,000 sign-ins of one customer after another."""
    import django

    django.setup()
    connection = connect(servers, "portal")
    connection.autocommit = True
    prepare(connection.cursor())
    times, statements = zip(*(access(7) for _ in range(RUNS + 1)), strict=True)
    yield Figure("access_11_collections_s", times[1:], "s", 0.1)
    yield Figure("access_own_statements", statements[1:], "statements", 40)
    yield Figure("erase_10k_rows_s", tuple(erase(connection.cursor(), 100 + n) for n in range(RUNS)), "s", 0.5)
    connection.close()


def prepare(cursor: Any) -> None:
    """The schema, its rows and its place on the map."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    cursor.execute("DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench AUTHORIZATION portal_app")
    cursor.execute("SET ROLE portal_app")
    for table, columns in ELEVEN.items():
        cursor.execute(f"CREATE TABLE bench.{table} ({columns})")
    for table, column in [*REFERENCES, *((table, "email") for table in ELEVEN if "email" in ELEVEN[table])]:
        cursor.execute(f"CREATE INDEX ON bench.{table} ({column})")
    cursor.execute(FILL)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.yml"
        file.write_text(dataset())
        call_command("datamap", "load", str(file), verbosity=0)


def dataset() -> str:
    """The eleven collections as a dataset file."""
    lines = ["fides_key: bench", "name: Bench", "meta: {portal: {schema: bench}}", "collections:"]
    for table, columns in ELEVEN.items():
        lines += [f"  - name: {table}", "    fields:"]
        for number, column in enumerate(columns.split(", ")):
            name = column.split()[0]
            meta = ["primary_key: true"] * (number == 0) + ["identity: email"] * (name == "email")
            if (table, name) in REFERENCES:
                field, direction = REFERENCES[(table, name)]
                meta.append(f"references: [{{dataset: bench, field: {field}, direction: {direction}}}]")
            lines.append(
                f"      - {{name: {name}, data_categories: [user.contact], fides_meta: {{{', '.join(meta)}}}}}"
            )
    return "\n".join(lines)


def access(customer: int) -> tuple[float, float]:
    """Seconds for all rows of one customer, and the statements on the portal's own connection."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.core import clock
    from apps.core.identities import parse_identity
    from apps.datamap.services import Scope, find

    scope = Scope((parse_identity("email", f"c{customer}@example.org"),), None)
    with CaptureQueriesContext(connection) as queries:
        began = time.perf_counter()
        findings = find(scope, now=clock.now())
        seconds = time.perf_counter() - began
    found = {key.removeprefix("bench:"): len(rows) for key, rows in findings.rows.items() if key.startswith("bench:")}
    assert found == {
        "address": 1, "customer": 1, "employee": 0, "login": 10, "orders": 3, "order_item": 9, "payment_card": 1,
        "report": 1, "review": 2, "service_request": 1, "visit": 5,
    }, found  # fmt: skip
    return seconds, float(len(queries.captured_queries))


def erase(cursor: Any, customer: int) -> float:
    """Seconds from the plan's hash to the receipt, for a customer with 10,000 sign-ins."""
    from apps.core import clock
    from apps.core.identities import parse_identity
    from apps.datamap import guards, services

    cursor.execute(
        "INSERT INTO bench.login SELECT 1000000 * %s + n, %s, now(), '192.0.2.1' FROM generate_series(1, %s) n",
        [customer, customer, ROWS - 10],
    )
    scope = services.Scope((parse_identity("email", f"c{customer}@example.org"),), None, datasets=("bench",))
    with ExitStack() as stack:
        stack.enter_context(guards.only(none=lambda *about: []))
        plan = services.plan_erasure(scope, actor="command", now=clock.now())
        began = time.perf_counter()
        receipt = services.execute(plan, store="platform", effect_key=plan.hash, actor="command", now=clock.now())
        seconds = time.perf_counter() - began
    assert receipt.counts["bench:login"]["erased"] == ROWS
    cursor.execute("SELECT count(*) FROM bench.login WHERE customer_id = %s", [customer])
    assert cursor.fetchone()[0] == 0
    return seconds
