"""The pages of legal holds: who gets in, a hold from the form to its lifting, and what never shows."""

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse

from apps.core import clock
from apps.core.identities import parse_identity
from apps.datamap import persons
from apps.ledger.models import Entry
from apps.notifications.tasks import deliver_messages
from apps.retention import tasks
from apps.retention.models import Hold
from apps.retention.presentation import holds as shown
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory, UserFactory
from tests.retention.holds import hold

pytestmark = [pytest.mark.django_db, pytest.mark.req("RET-4")]

ANN = parse_identity("email", "ann@example.org")
LIST, NEW = "/desk/holds/", "/desk/holds/new/"
LIST_QUERIES = 7


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, UserFactory(officer=True, full_name="Olga Officer"))


def page_of(one, step=""):
    return reverse(f"retention:hold{step}", args=[one.reference])


def soon(days=60):
    return clock.local_date(clock.now()) + timedelta(days=days)


def typed(officer, **changed):
    said = {"reason": "litigation", "words": "A parcel went missing.", "lines": "Ann@Example.org", "account": "",
            "from_on": "", "until_on": "", "owner": str(officer.pk), "review_on": soon().isoformat()}  # fmt: skip
    return said | changed


# --- who gets in --------------------------------------------------------------------------------------


@pytest.mark.threat("T5")
@pytest.mark.threat("T63")
@pytest.mark.parametrize("role", ["admin", "auditor"])
def test_for_other_staff_there_is_no_such_place(client, sign_in, role):
    one = hold(account="1001")
    sign_in(client, UserFactory(**{role: True}))
    for url in (LIST, NEW, page_of(one), page_of(one, "_lift")):
        assert client.get(url).status_code == 404
    assert "/desk/holds/" not in client.get(reverse("account_settings")).content.decode()


@pytest.mark.threat("T63")
def test_for_customers_there_is_no_such_place(client, sign_in):
    one = hold(account="1001")
    sign_in(client, MembershipFactory(account=CustomerAccountFactory(platform_account_id="1001"), role="owner").user)
    for url in (LIST, NEW, page_of(one)):
        assert client.get(url).status_code == 404


@pytest.mark.threat("T5")
def test_the_data_protection_officer_reads_and_decides_nothing(client, sign_in):
    one = hold(account="1001")
    sign_in(client, UserFactory(dpo=True))
    page = client.get(page_of(one)).content.decode()
    assert client.get(LIST).status_code == 200
    assert page_of(one, "_lift") not in page
    assert NEW not in client.get(LIST).content.decode()
    assert client.get(NEW).status_code == 403
    assert client.get(page_of(one, "_lift")).status_code == 403
    assert client.post(page_of(one, "_review")).status_code == 403


# --- the list -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_takes_as_many_queries_for_thirty_holds_as_for_one(client, officer, django_assert_num_queries, count):
    for _ in range(count):
        hold(ANN, account="1001", collections=["portal_accounts:accounts_user"])
    client.get(LIST)
    with django_assert_num_queries(LIST_QUERIES):
        page = client.get(LIST).content.decode()
    assert len(re.findall("<bdi[^>]*>LH-2026-", page)) == count
    assert "One person" in page
    assert "ann@" not in page


def test_the_list_is_filtered_by_standing_overdue_and_lifted(client, officer):
    standing = hold(account="1", review_on=soon())
    late = hold(account="2", review_on=soon(-1))
    lifted = hold(account="3", lifted_at=clock.now())
    every = {standing.reference, late.reference, lifted.reference}

    def shown(query):
        page = client.get(f"{LIST}?{query}").content.decode()
        return {reference for reference in every if reference in page}

    assert shown("") == {standing.reference, late.reference}
    assert shown("show=overdue") == {late.reference}
    assert shown("show=lifted") == {lifted.reference}
    assert shown("show=all") == every
    assert shown(f"q={late.reference}") == {late.reference}
    assert shown("reason=abuse_case") == set()


def test_the_list_is_taken_away_as_a_file_that_names_nobody(client, sign_in):
    one = hold(ANN, account="1001")
    sign_in(client, UserFactory(officer=True), fresh_factor=False)
    assert client.get(f"{LIST}?format=csv").status_code == 302
    sign_in(client, UserFactory(officer=True))
    content = b"".join(client.get(f"{LIST}?format=csv").streaming_content).decode()
    assert one.reference in content
    assert "Account 1001" in content
    assert "ann@" not in content


# --- a hold's way -------------------------------------------------------------------------------------


def test_before_placing_one_sees_what_it_would_cover(client, officer):
    UserFactory(email="ann@example.org")
    response = client.post(NEW, typed(officer, action="check"))
    page = response.content.decode()
    assert "People who sign in" in page
    assert "1 row" in page
    assert "A parcel went missing." in page  # nothing typed is lost
    assert not Hold.objects.exists()


def test_before_a_hold_on_an_account_one_reads_that_rows_without_an_account_stay_too(client, officer):
    CustomerAccountFactory(platform_account_id="1001")
    words = "Rows that name no account are among them"
    assert words in client.post(NEW, typed(officer, action="check", account="1001")).content.decode()
    assert words not in client.post(NEW, typed(officer, action="check")).content.decode()
    assert "Rows that name no account are kept as well." in client.get(NEW).content.decode()


def test_where_counting_stopped_the_number_says_that_there_are_more(client, officer, monkeypatch):
    monkeypatch.setattr(persons, "AT_MOST", 1)
    monkeypatch.setattr(shown, "COUNTED_AT_MOST", 1)
    UserFactory.create_batch(3)
    everybody = {"lines": "", "collections": ["portal_accounts:accounts_user"], "action": "check"}
    assert "more than 1 rows" in client.post(NEW, typed(officer, **everybody)).content.decode()
    assert [one["lines"] for one in shown.covered({"a:b": 1})] == [["1 row"]]


def placed(client, officer, **changes):
    """Look at what it would cover, then place it."""
    seen = client.post(NEW, typed(officer, action="check", **changes)).context["seen"]
    return client.post(NEW, typed(officer, action="place", **changes) | {"seen": seen})


def test_what_was_changed_after_the_look_is_looked_at_again(client, officer):
    seen = client.post(NEW, typed(officer, action="check")).context["seen"]
    again = client.post(NEW, typed(officer, action="place", from_on="2026-01-01") | {"seen": seen})
    assert again.context["seen"] not in ("", seen)
    assert not Hold.objects.exists()


def test_a_hold_is_placed_from_what_was_typed(client, officer):
    response = placed(client, officer, from_on="2026-01-01")
    one = Hold.objects.get()
    assert response.url == page_of(one)
    assert (one.people, one.why, one.from_on) == ((ANN,), "A parcel went missing.", date(2026, 1, 1))
    assert one.owner == officer
    assert "ann" not in response.url


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lines": "ann@"}, "Line 1:"),
        ({"lines": ""}, "Say what must stay"),
        ({"account": "no-such"}, "No customer account has this number."),
        ({"words": "A\x00B"}, "Null characters"),
    ],
)
@pytest.mark.parametrize("action", ["check", "place"])
def test_what_cannot_be_kept_comes_back_with_the_reason(client, officer, changed, words, action):
    response = client.post(NEW, typed(officer, action=action, **changed))
    assert response.status_code == 200
    assert words in response.content.decode()
    assert not Hold.objects.exists()


def test_a_day_of_review_that_is_past_comes_back_with_the_reason(client, officer):
    page = placed(client, officer, review_on="2020-01-01").content.decode()
    assert "Choose a day that is still to come." in page
    assert not Hold.objects.exists()


def test_the_page_of_a_hold_shows_its_scope_masked_and_its_history(client, officer):
    placed(client, officer)
    page = client.get(page_of(Hold.objects.get())).content.decode()
    assert "a•••@e•••.org" in page
    assert "ann@" not in page
    assert "A parcel" not in page
    assert "placed the legal hold" in page
    assert "Olga Officer" in page
    assert "Nothing yet." in page


def test_the_reason_is_shown_for_a_reason_that_is_noted(client, officer):
    one = hold(ANN)
    assert "ann@" not in client.post(page_of(one, "_reveal"), {}).content.decode()
    page = client.post(page_of(one, "_reveal"), {"reason": "review"}).content.decode()
    assert "ann@example.org" in page
    assert "The court case about the lost goods" in page
    assert Entry.objects.get(verb="hold.revealed").facts["reason"] == "review"


@pytest.mark.threat("T37")
def test_reading_the_reason_reviewing_and_lifting_ask_for_a_fresh_factor(client, sign_in):
    one = hold(ANN)
    sign_in(client, UserFactory(officer=True), fresh_factor=False)
    for response in (
        client.post(page_of(one, "_reveal"), {"reason": "review"}),
        client.post(page_of(one, "_review"), {"review_on": soon(90).isoformat()}),
        client.post(f"{page_of(one, '_lift')}?why=settled"),
    ):
        assert response.status_code == 302
        assert reverse("account_step_up") in response.url
    assert Hold.objects.standing().get().review_on == one.review_on
    assert not Entry.objects.filter(verb__startswith="hold.").exists()


@pytest.mark.parametrize("step", ["_review", "_reveal"])
def test_the_address_of_a_step_alone_leads_to_the_page_of_the_hold(client, officer, step):
    """As after an error, when somebody asks for the address again."""
    one = hold(ANN)
    assert client.post(page_of(one, step), {}).status_code == 200
    assert client.get(page_of(one, step)).url == page_of(one)
    assert not Entry.objects.filter(verb__startswith="hold.").exists()


def test_what_was_typed_stays_on_the_page_beside_what_is_wrong_with_it(client, officer):
    one = hold(ANN)
    page = client.post(page_of(one, "_review"), {"review_on": "2020-01-01"}).content.decode()
    assert 'value="2020-01-01"' in page
    assert "Choose a day that is still to come." in page


def test_a_hold_is_lifted_after_one_more_question(client, officer):
    one = hold(account="1001", reason="abuse_case")
    assert client.get(page_of(one, "_lift")).status_code == 200
    asked = client.get(f"{page_of(one, '_lift')}?why=settled").content.decode()
    assert f"Lift the hold {one.reference}?" in asked
    assert "Open abuse case" in asked
    assert "The case is settled" in asked
    assert Hold.objects.standing().exists()
    assert "Choose" in client.get(f"{page_of(one, '_lift')}?why=nonsense").content.decode()
    response = client.post(f"{page_of(one, '_lift')}?why=settled", follow=True)
    assert "The hold is lifted." in response.content.decode()
    assert not Hold.objects.standing().exists()
    assert page_of(one, "_lift") not in client.get(page_of(one)).content.decode()


def test_a_reason_that_is_noted_is_chosen_by_a_person_and_never_by_the_form(client, officer):
    one = hold(ANN)
    page = client.get(page_of(one)).content.decode()
    assert page.count('<option value="" selected>Choose a reason</option>') == 2
    assert "Choose why the hold ends." in client.get(f"{page_of(one, '_lift')}?why=").content.decode()
    assert "Choose a reason." in client.post(page_of(one, "_reveal"), {"reason": ""}).content.decode()
    assert not Entry.objects.filter(verb__startswith="hold.").exists()


def test_a_review_is_noted_on_the_page(client, officer):
    one = hold(account="1001")
    response = client.post(page_of(one, "_review"), {"review_on": soon(90).isoformat()})
    assert response.url == page_of(one)
    assert Hold.objects.get().review_on == soon(90)


@pytest.mark.threat("T63")
def test_auditors_do_not_read_of_holds_in_the_evidence_and_the_data_protection_officer_does(client, sign_in, officer):
    placed(client, officer)
    sign_in(client, UserFactory(auditor=True))
    assert "hold.placed" not in client.get("/evidence/").content.decode().partition("<tbody")[2]
    assert "LH-" not in client.get("/evidence/").content.decode()
    assert b"LH-" not in b"".join(client.get("/evidence/?format=csv").streaming_content)
    sign_in(client, UserFactory(dpo=True))
    assert "LH-" in client.get("/evidence/").content.decode()


@pytest.mark.threat("T63")
def test_letters_about_holds_are_in_the_outbox_of_those_alone_who_may_know(client, sign_in):
    hold(account="1001", review_on=soon(7))
    assert tasks.alert_hold_owners() == 1
    assert deliver_messages() == 1
    sign_in(client, UserFactory(auditor=True))
    assert "retention/hold" not in client.get("/evidence/outbox/").content.decode()
    assert "retention/hold" not in client.get("/evidence/").content.decode()
    sign_in(client, UserFactory(dpo=True))
    assert "retention/hold_review" in client.get("/evidence/outbox/").content.decode()
