"""Evidence and outbox are sorted, filtered and downloaded at the same cost for one row and for thirty."""

import csv
import io
from datetime import timedelta

import pytest

from apps.ledger.services import record
from apps.notifications.models import OutgoingMessage
from apps.notifications.services import notify
from tests.subject_requests.factories import NOW, PersonFactory

pytestmark = pytest.mark.django_db
VERB = "subject_request.certified"


@pytest.fixture
def auditor(client, sign_in):
    return sign_in(client, PersonFactory(auditor=True))


def told(number, **times):
    notify(
        key=f"list:{number}",
        to="anna@example.com",
        template="subject_requests/received",
        language="en",
        context={"name": "Anna"},
        now=NOW + timedelta(minutes=number),
        about=f"x:{number:02d}",
    )
    OutgoingMessage.objects.filter(key=f"list:{number}").update(**times)


def shown(client, address, **query):
    return client.get(address, query).context["table"]


def file(client, address, **query):
    text = client.get(address, query | {"format": "csv"}).getvalue().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_evidence_is_sorted_by_its_heads_and_keeps_the_filter(client, auditor):
    for number in range(3):
        record(actor="system", verb=VERB, target=f"x:{2 - number}", at=NOW)

    def targets(**query):
        return [row.entry.target for row in shown(client, "/evidence/", verb=VERB, **query).rows]

    assert targets() == ["x:0", "x:1", "x:2"]
    assert targets(sort="when") == ["x:2", "x:1", "x:0"]
    assert targets(sort="-object") == ["x:2", "x:1", "x:0"]
    heads = {head.column.name: head.url for head in shown(client, "/evidence/", verb=VERB).headings}
    assert heads["object"] == f"?verb={VERB}&sort=object"
    assert heads["fingerprint"] == ""


def test_the_file_of_evidence_has_whole_ids_and_only_what_was_filtered(client, auditor):
    entry = record(actor=auditor.key, verb=VERB, target="x:0123456789", at=NOW)
    header, row = file(client, "/evidence/", verb=VERB)
    assert header[:3] == ["When", "What happened", "Verb"]
    assert row[2:] == [VERB, auditor.key, "x:0123456789", bytes(entry.leaf).hex()]


def test_the_outbox_is_filtered_by_state_and_its_file_has_no_address(client, auditor):
    told(1), told(2, delivered_at=NOW), told(3, gave_up_at=NOW, error_code="smtp_550")

    def abouts(**query):
        return [message.about for message in shown(client, "/evidence/outbox/", **query).rows]

    assert abouts() == ["x:03", "x:02", "x:01"]
    assert abouts(sort="about") == ["x:01", "x:02", "x:03"]
    assert [abouts(state=state) for state in ("waiting", "sent", "gave_up")] == [["x:01"], ["x:02"], ["x:03"]]
    assert abouts(state="lost") == abouts()
    rows = file(client, "/evidence/outbox/")
    assert [row[4:] for row in rows[1:]] == [
        ["x:03", "Given up", "smtp_550"],
        ["x:02", "Sent", ""],
        ["x:01", "Waiting", ""],
    ]
    assert "anna" not in str(rows).lower()


@pytest.mark.parametrize("address", ["/evidence/", "/evidence/outbox/"])
@pytest.mark.parametrize("file", ["", "csv"])
def test_thirty_rows_cost_as_many_queries_as_one(client, auditor, django_assert_num_queries, address, file):
    def visit():
        response = client.get(address, {"format": file})
        assert response.status_code == 200
        return response.getvalue() if response.streaming else response.content

    told(0)
    record(actor="system", verb=VERB, target="x:0", at=NOW)
    visit()
    for number in range(1, 31):
        told(number)
        record(actor="system", verb=VERB, target=f"x:{number}", at=NOW)
    with django_assert_num_queries(5):  # session, person, roles, second factor, rows
        visit()


def test_cells_say_on_a_phone_what_they_are(client, auditor):
    told(1)
    page = client.get("/evidence/outbox/").content.decode()
    assert all(f'data-label="{label}"' in page for label in ("Message", "About", "State"))


@pytest.mark.parametrize("address", ["/evidence/", "/evidence/outbox/"])
def test_whoever_may_not_read_a_list_gets_no_file_of_it(client, sign_in, address):
    sign_in(client, PersonFactory(officer=True))
    assert client.get(address, {"format": "csv"}).status_code == 403
