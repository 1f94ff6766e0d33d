"""The sample platform on a committed database: two companies that hold data about the same person, and officers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from apps.core.identities import Identity, IdentityType
from apps.datamap.loading import load_files
from apps.demo.services import DATASET_FILE
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, member
from tests.template import connect

TENANTS = ("contacts", "messages", "calls", "emails", "call_recordings", "traffic_records", "leads", "invoices")


@dataclass
class Platform:
    """Acme and Globex on the platform, a person whom both wrote to, and officers."""

    clone: Any
    owner: Any

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.owner.cursor()
        cursor.execute(query, values or None)
        return list(cursor.fetchall())

    def sql(self, statement: str, *values: Any) -> None:
        self.owner.cursor().execute(statement, values or None)

    def dump(self, account: str) -> list[tuple[str, str]]:
        """Every row of a tenant, byte for byte."""
        found = []
        for table in TENANTS:
            query = f"SELECT t::text FROM platform.{table} t WHERE account_id = %s ORDER BY 1"
            found += [(table, row[0]) for row in self.rows(query, int(account))]
        return found

    def count(self, table: str, phone: str, account: str) -> int:
        query = f"SELECT count(*) FROM platform.{table} WHERE account_id = %s AND %s IN (sender, recipient)"
        return int(self.rows(query, int(account), phone)[0][0])


@contextmanager
def sample_platform(clone: Any) -> Iterator[Platform]:
    load_files([str(DATASET_FILE)], stores={}, actor="command", now=NOW)
    owner = connect(clone.owner_url)
    owner.cursor().execute("SET search_path TO platform, public")
    one = Platform(clone, owner)
    one.acme = AccountFactory(name="Acme", platform_account_id="1001")
    one.globex = AccountFactory(name="Globex", platform_account_id="1002")
    one.requester = member(one.acme, email="privacy@acme.example")
    one.officers = [PersonFactory(officer=True), PersonFactory(officer=True)]
    shared = (
        "SELECT c.phone_number FROM platform.contacts c JOIN platform.contacts d USING (phone_number) "
        "WHERE c.account_id = 1001 AND d.account_id = 1002 AND EXISTS "
        "(SELECT FROM platform.messages m WHERE m.account_id = 1001 AND c.phone_number IN (m.sender, m.recipient)) "
        "ORDER BY 1 LIMIT 1"
    )
    one.phone = one.rows(shared)[0][0]
    one.identity = Identity(IdentityType.PHONE_NUMBER, one.phone)
    yield one
    owner.close()
