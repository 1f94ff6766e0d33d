"""The public list and the register's pages: who sees them, who writes, and what they say."""

import csv
import io
import uuid

import pytest
import time_machine
from django.urls import reverse

from apps.cookies.models import Cookie
from apps.processors.models import Engagement, Processor
from apps.processors.services import seed_processors
from tests.accounts.factories import MembershipFactory, UserFactory
from tests.processors.factories import LONG_AGO, EngagementFactory

FORM = {
    "name": "SparkPost",
    "service": "e-mail service",
    "capacity": "sub_processor",
    "country": "US",
    "remote_country": "",
    "mechanism": "scc_2021",
    "note": "",
    "seen_version": "0",
}


@pytest.fixture(autouse=True)
def empty(db):
    Engagement.objects.all().delete()
    Cookie.objects.exclude(processor=None).delete()
    Processor.objects.all().delete()


@pytest.fixture
def admin(client, sign_in):
    return sign_in(client, UserFactory(admin=True))


def text(response):
    return " ".join(response.content.decode().split())


@pytest.mark.req("PRO-1")
def test_anybody_reads_what_was_stated_and_never_as_valid_today(client):
    seed_processors(now=LONG_AGO)
    page = text(client.get("/processors/"))
    assert page.count("Stated in 2020, not verified since") == 29
    assert page.count("lapsed: valid until 27 December 2022") == 18
    assert "Zendesk" in page
    assert "United States" in page
    assert "Controller in its own right" in page
    assert "tag-green" not in page


@pytest.mark.req("PRO-3")
def test_an_approval_whose_mechanism_lapsed_shows_as_lapsed(client):
    EngagementFactory(country="GB", mechanism="adequacy")
    assert "Approved on 5 January 2026" in text(client.get("/processors/"))
    with time_machine.travel("2032-01-02T12:00:00Z"):
        page = text(client.get("/processors/"))
    assert "Transfer mechanism lapsed" in page
    assert "lapsed: valid until 27 December 2031" in page


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_the_public_list_speaks_each_language_and_needs_no_script(client, language):
    seed_processors(now=LONG_AGO)
    client.cookies["django_language"] = language
    page = text(client.get("/processors/"))
    assert f'lang="{language}"' in page
    assert "Nederlands" in page  # the switch


@pytest.mark.parametrize("count", [1, 30])
def test_the_lists_ask_the_same_number_of_questions_for_1_and_30_rows(
    client, sign_in, django_assert_num_queries, count
):
    EngagementFactory.create_batch(count)
    with django_assert_num_queries(1):
        client.get("/processors/")
    with django_assert_num_queries(1):
        assert client.get("/processors/processors.csv").getvalue().count(b"\r\n") == count + 1
    sign_in(client, UserFactory(auditor=True))
    client.get("/registers/processors/")
    with django_assert_num_queries(REGISTER_QUERIES):
        assert client.get("/registers/processors/").status_code == 200


REGISTER_QUERIES = 5  # session, person, roles, second factor, rows


@pytest.mark.threat("T23")
def test_the_download_runs_in_no_spreadsheet(client):
    EngagementFactory(processor__name='=cmd|"/c calc"!A1', service=" +SUM(A1)")
    EngagementFactory(processor__name='Plain, "quoted"', service="＝1+1")
    response = client.get("/processors/processors.csv")
    assert response.headers["Content-Type"].startswith("text/csv")
    header, *rows = csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig")))
    assert header[0] == "Name"
    cells = {(row[0], row[5]) for row in rows}
    assert cells == {('\'=cmd|"/c calc"!A1', "' +SUM(A1)"), ('Plain, "quoted"', "'＝1+1")}


@pytest.mark.threat("T5")
@pytest.mark.parametrize(
    ("who", "reads", "writes"),
    [
        ("admin", 200, 200),
        ("officer", 200, 403),
        ("dpo", 200, 403),
        ("auditor", 200, 403),
        ("customer", 404, 404),
        (None, 302, 302),
    ],
)
def test_who_reads_and_writes_the_register(client, sign_in, who, reads, writes):
    line = EngagementFactory().line
    if who == "customer":
        sign_in(client, MembershipFactory(role="owner").user)
    elif who:
        sign_in(client, UserFactory(**{who: True}))
    for name, arguments in (("register", ()), ("entry", (line,))):
        assert client.get(reverse(f"processors:{name}", args=arguments)).status_code == reads
    for name, arguments in (("add", ()), ("edit", (line,))):
        assert client.get(reverse(f"processors:{name}", args=arguments)).status_code == writes
        posted = client.post(reverse(f"processors:{name}", args=arguments), {**FORM, "action": "approve"})
        assert posted.status_code == (302 if name == "add" and who == "admin" else writes)
    for name in ("end", "drop"):
        assert client.get(reverse(f"processors:{name}", args=(line,))).status_code == writes
        expected = 302 if who == "admin" else writes
        assert client.post(reverse(f"processors:{name}", args=(line,))).status_code == expected
    assert Engagement.objects.filter(line=line).current().exists() is (who != "admin")


def test_an_unknown_entry_is_not_there(client, admin):
    assert client.get(reverse("processors:entry", args=(uuid.uuid4(),))).status_code == 404
    assert client.get(reverse("processors:edit", args=(uuid.uuid4(),))).status_code == 404
    assert client.post(reverse("processors:end", args=(uuid.uuid4(),))).status_code == 404


@pytest.mark.req("PRO-3")
def test_a_missing_mechanism_is_said_beside_its_field_and_nothing_typed_is_lost(client, admin):
    response = client.post(
        reverse("processors:add"), {**FORM, "mechanism": "", "note": "ask legal", "action": "approve"}
    )
    page = text(response)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["mechanism"]
    assert "Error:" in page[: page.index("</title>")]
    assert "outside the EEA nobody is approved without one" in page
    assert 'value="SparkPost"' in page
    assert 'value="ask legal"' in page
    assert not Engagement.objects.exists()


def test_an_administrator_approves_and_the_public_reads_it(client, admin):
    response = client.post(reverse("processors:add"), {**FORM, "action": "approve"}, follow=True)
    assert "Approved and published." in text(response)
    client.logout()
    assert "Approved on" in text(client.get("/processors/"))


def test_publishing_needs_a_fresh_second_factor_and_a_draft_does_not(client, sign_in):
    sign_in(client, UserFactory(admin=True), fresh_factor=False)
    asked = client.post(reverse("processors:add"), {**FORM, "action": "approve"})
    assert asked.url.startswith(reverse("account_step_up"))
    assert not Engagement.objects.exists()
    client.post(reverse("processors:add"), {**FORM, "action": "draft"})
    draft = Engagement.objects.get()
    assert draft.is_draft
    assert client.post(reverse("processors:end", args=(draft.line,))).url.startswith(reverse("account_step_up"))


def test_the_history_tells_who_changed_what(client, admin):
    line = EngagementFactory(stated=True, service="hosting").line
    form = {**FORM, "name": "Company X", "seen_version": "1", "action": "approve"}
    client.post(reverse("processors:edit", args=(line,)), form)
    page = text(client.get(reverse("processors:entry", args=(line,))))
    assert "approved version 2 and published it" in page
    assert "Service: hosting → e-mail service" in page
    assert "Location: Netherlands → United States" in page
    assert admin.full_name in page


def test_an_auditor_reads_the_history_without_names(client, sign_in, admin):
    client.post(reverse("processors:add"), {**FORM, "action": "approve"})
    line = Engagement.objects.get().line
    client.logout()
    sign_in(client, UserFactory(auditor=True))
    page = text(client.get(reverse("processors:entry", args=(line,))))
    assert "approved version 1" in page
    assert admin.full_name not in page


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 200),
        ("name", "a\nb"),
        ("name", "a\u202eb"),
        ("service", "y" * 1_000_000),
        ("country", "XX"),
        ("remote_country", "<script>"),
        ("mechanism", "magic"),
        ("capacity", ""),
        ("seen_version", "many"),
        ("seen_version", "99"),
    ],
)
@pytest.mark.parametrize("action", ["draft", "approve"])
def test_bad_input_gets_a_message_and_changes_nothing(client, admin, field, value, action):
    response = client.post(reverse("processors:add"), {**FORM, field: value, "action": action})
    assert response.status_code == 200
    assert response.context["form"].errors
    assert "There is a problem" in text(response)
    assert not Engagement.objects.exists()


def test_a_double_click_adds_one_company(client, admin):
    for _ in range(2):
        response = client.post(reverse("processors:add"), {**FORM, "action": "approve"})
    assert "already" in text(response)
    assert Engagement.objects.count() == 1
