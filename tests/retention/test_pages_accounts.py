"""The pages of an account's own periods and of leaving: what an owner reads and does, and what the desk sees."""

import hashlib
import io
import json
import zipfile
from datetime import date, timedelta

import pytest
from django.urls import reverse

from apps.datamap.services import collection_names
from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.models import ChosenPeriod, Departure
from apps.retention.states import DepartureStatus
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory, UserFactory
from tests.retention.leaving import NOW, TODAY, announced, certified, noon, owned_account, owner_of, read_only

CONTENT = "communications_content"
CERTIFIED_AT = NOW + timedelta(days=32)


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to(NOW)


@pytest.fixture
def owned(db, client, sign_in):
    account, owner = owned_account(name="Acme")
    sign_in(client, owner)
    return account


def text(response):
    return " ".join(response.content.decode().split())


def at(name, account, *more):
    return reverse(f"retention:{name}", args=[account.pk, *more])


@pytest.mark.req("RET-1")
def test_an_owner_reads_the_periods_what_they_mean_and_whose_choice_they_are(client, owned):
    page = text(client.get(at("account", owned)))
    assert "Content of communications" in page
    assert "<strong>6 months.</strong> Kept for 6 months after it was recorded." in page
    assert "<strong>30 days.</strong> Kept until 30 days after the service ends." in page
    assert page.count("Our period: nothing else was chosen.") == 2
    services.choose_period(account=owned, rule=CONTENT, period="P0D", by="command", now=NOW)
    page = text(client.get(at("account", owned)))
    assert "<strong>Not at all.</strong> It goes in the night after the day it was recorded." in page
    assert "Chosen on 23 November 2026." in page


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_the_pages_speak_each_language(client, owned, language):
    client.cookies["django_language"] = language
    for name in ("account", "leave"):
        assert f'lang="{language}"' in text(client.get(at(name, owned)))


@pytest.mark.threat("T5")
def test_another_companys_account_does_not_exist_and_a_member_may_not(client, owned, sign_in):
    other = certified(CustomerAccountFactory(name="Globex"))
    names = ("account", "leave", "stay", "certificate", "certificate_data")
    assert {client.get(at(name, other.account)).status_code for name in names} == {404}
    assert client.get(at("choose", other.account, CONTENT)).status_code == 404
    assert client.post(at("package", other.account)).status_code == 404
    assert client.post(at("stay", other.account)).status_code == 404
    sign_in(client, MembershipFactory(account=owned, role="privacy").user)
    assert {client.get(at(name, owned)).status_code for name in ("account", "leave")} == {403}
    assert client.post(at("leave", owned), FORM).status_code == 403
    assert Departure.objects.count() == 1


def test_a_choice_is_shown_first_and_confirmed_then(client, owned):
    page = text(client.get(at("choose", owned, CONTENT)))
    assert "See what it would do" in page
    assert "Confirm" not in page
    page = text(client.get(at("choose", owned, CONTENT), {"period": "P30D"}))
    assert "Kept for 30 days after it was recorded." in page
    assert "Confirm this period" in page
    assert not ChosenPeriod.objects.exists()
    done = client.post(at("choose", owned, CONTENT), {"period": "P30D"}, follow=True)
    assert "Noted. It holds from the next nightly run on." in text(done)
    assert ChosenPeriod.objects.get().period == "P30D"


def test_the_preview_says_how_many_records_would_go(client, sign_in, platform):
    sign_in(client, owner_of(platform.acme))
    page = text(client.get(at("choose", platform.acme, CONTENT), {"period": "P0D"}))
    ((messages,),) = platform.rows(
        "SELECT count(*) FROM platform.messages WHERE account_id = 1001 AND created_at < '2026-11-23'"
    )
    assert f"<dt>Messages</dt> <dd><bdi>{messages:,}</bdi></dd>" in page


def test_where_nothing_can_be_counted_the_page_says_so(client, sign_in, platform, settings):
    sign_in(client, owner_of(platform.acme))
    settings.STORES = {"platform": "postgres://nobody@127.0.0.1:1/none"}
    assert "can’t be counted right now" in text(client.get(at("choose", platform.acme, CONTENT), {"period": "P0D"}))


@pytest.mark.parametrize("period", ["P7M", "P24M", "", "x" * 300])
def test_a_period_that_is_not_offered_is_refused_beside_the_field(client, owned, period):
    for response in (
        client.get(at("choose", owned, CONTENT), {"period": period}),
        client.post(at("choose", owned, CONTENT), {"period": period}),
    ):
        assert response.status_code == 200
        assert "Error:" in text(response)
    assert not ChosenPeriod.objects.exists()


def test_a_rule_without_a_choice_has_no_page(client, owned):
    for rule in ("tax", "abuse_traffic", "unknown"):
        assert client.get(at("choose", owned, rule)).status_code == 404


FORM = {"choice": "return", "service_ends_on": "2026-11-23"}


@pytest.mark.threat("T37")
def test_choosing_leaving_staying_and_taking_the_data_ask_for_a_fresh_factor(db, client, sign_in):
    departure = announced()
    owner = sign_in(client, owner_of(departure.account), fresh_factor=False)
    other = MembershipFactory(user=owner, role="owner").account
    asked = [
        client.post(at("choose", other, CONTENT), {"period": "P0D"}),
        client.post(at("leave", other), FORM),
        client.post(at("stay", departure.account)),
        client.post(at("package", departure.account)),
    ]
    assert all(response.url.startswith(reverse("account_step_up")) for response in asked)
    assert not ChosenPeriod.objects.exists()
    assert Departure.objects.get().status == DepartureStatus.ANNOUNCED


@pytest.mark.req("RET-3")
def test_an_owner_announces_reads_what_happens_when_and_stays_after_all(client, owned):
    page = text(client.post(at("leave", owned), FORM, follow=True))
    assert "Leaving is announced." in page
    for day in ("23 November 2026", "23 December 2026"):
        assert f"<strong>{day}</strong>" in page
    assert Entry.objects.get(verb="retention.departure_announced").actor == owned.memberships.get().user.key
    assert "Stay after all?" in text(client.get(at("stay", owned)))
    assert "You stay. Nothing more is erased." in text(client.post(at("stay", owned), follow=True))
    assert Departure.objects.get().status == DepartureStatus.WITHDRAWN
    assert client.get(at("stay", owned)).status_code == 404
    assert "When you leave, you choose" in text(client.get(at("account", owned)))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"service_ends_on": "2026-11-22"}, "service_ends_on"),
        ({"service_ends_on": "2126-11-22"}, "service_ends_on"),
        ({"service_ends_on": "soon"}, "service_ends_on"),
        ({"service_ends_on": ""}, "service_ends_on"),
        ({"choice": "keep"}, "choice"),
        ({"choice": ""}, "choice"),
    ],
)
def test_what_cannot_be_stands_beside_its_field(client, owned, wrong, field):
    response = client.post(at("leave", owned), FORM | wrong)
    assert list(response.context["form"].errors) == [field]
    assert "Error:" in text(response)
    assert not Departure.objects.exists()


def test_leaving_twice_is_refused_on_top(client, owned):
    announced(owned)
    response = client.post(at("leave", owned), FORM)
    assert "This account is leaving already." in text(response)


def test_a_read_only_account_says_so_on_the_customers_pages_and_requests_stay_possible(client, owned):
    announced(owned)
    assert "can only be read, until 23 December 2026" in text(client.get(at("account", owned)))
    home = text(client.get(reverse("subject_requests:home")))
    assert "<bdi>Acme</bdi> leaves: its service ends on 23 November 2026" in home
    assert client.get(reverse("subject_requests:question", args=["right"])).status_code == 200


def test_nothing_is_said_of_leaving_where_nobody_leaves(client, owned):
    announced()
    assert "leaves: its service" not in text(client.get(reverse("subject_requests:home")))
    assert "can only be read" not in text(client.get(at("account", owned)))


def test_the_ways_there_are_on_home_and_on_the_teams_page(client, owned):
    for page in (reverse("subject_requests:home"), reverse("account_team", args=[owned.pk])):
        assert at("account", owned) in text(client.get(page))


@pytest.mark.threat("T21")
def test_the_package_is_streamed_once_for_each_click_and_each_is_evidence(client, sign_in, platform):
    owner = sign_in(client, owner_of(platform.acme))
    departure = services.return_data(read_only(platform.acme), now=NOW)
    assert "All your data" in text(client.get(at("account", platform.acme)))
    response = client.post(at("package", platform.acme))
    content = b"".join(response.streaming_content)
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Disposition"] == 'attachment; filename="data-1001.zip"'
    assert hashlib.sha256(content).hexdigest() == departure.package_digest
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert Entry.objects.get(verb="retention.departure_downloaded").actor == owner.key
    assert client.get(at("package", platform.acme)).status_code == 405


def test_a_package_that_is_gone_is_said_to_be_gone(client, owned):
    announced(owned)
    assert "The package is gone" in text(client.post(at("package", owned), follow=True))


@pytest.mark.req("RET-3")
def test_the_certificate_is_read_in_words_and_taken_as_json(client, sign_in, platform, time_machine):
    from tests.retention.test_departures import gone

    departure = services.start_read_only(announced(platform.acme, choice="delete"), now=NOW)
    departure = services.begin_erasing(departure, now=noon(departure.erase_on))
    sign_in(client, owner_of(platform.acme))
    assert client.get(at("certificate", platform.acme)).status_code == 404
    gone(platform)
    done = services.finish_departure(departure, now=CERTIFIED_AT)
    page = text(client.get(at("certificate", platform.acme)))
    assert "Required by law: tax records." in page
    assert "Messages" in page
    assert services.digest_of(done.certificate) in page
    assert "Backups can hold the erased data until 29 January 2027." in page
    taken = client.get(at("certificate_data", platform.acme))
    assert json.loads(taken.content) == done.certificate
    assert "attachment" in taken["Content-Disposition"]
    assert "Read the certificate" in text(client.get(at("account", platform.acme)))


@pytest.mark.threat("T63")
def test_nobody_reads_from_the_certificate_whether_a_hold_keeps_a_row_or_another_row_does(client, sign_in, platform):
    from tests.retention.test_departures import gone

    people = {"owner": platform.officers[0], "by": platform.officers[0], "now": NOW}
    scope = services.HoldScope(account="1001", collections=("platform:contacts",))
    why = {"reason": "litigation", "words": "A claim.", "review_on": date(2027, 6, 1)}
    services.place_hold(scope=scope, **why, **people)
    departure = services.start_read_only(announced(platform.acme, choice="delete"), now=NOW)
    departure = services.begin_erasing(departure, now=noon(departure.erase_on))
    gone(platform, but=("invoices", "invoice_lines", "contacts"))
    services.finish_departure(departure, now=CERTIFIED_AT)
    sign_in(client, owner_of(platform.acme))
    response = client.get(at("certificate", platform.acme))
    names = collection_names("en")
    held, pointed_at = (read(response, name) for name in (names["platform:contacts"], names["platform:accounts"]))
    assert held == pointed_at == ["This cannot be erased yet."]
    kept = client.get(at("certificate_data", platform.acme)).json()["collections"]
    told = [kept[f"platform:{table}"]["kept"][0] | {"count": 0} for table in ("contacts", "accounts")]
    assert told[0] == told[1]


def read(response, name):
    """What the certificate says of the rows of one kind of data that stay."""
    [line] = [line for line in response.context["kept"] if line.name == name]
    return [why for _count, why in line.kept]


def letter(account, **more):
    said = {"account": account.platform_account_id, "requested_on": "2026-11-02", "service_ends_on": "2026-12-01"}
    return said | {"choice": "delete"} | more


@pytest.mark.threat("T5")
def test_an_officer_types_in_a_letter_with_its_day_and_nobody_else_does(db, client, sign_in):
    account = CustomerAccountFactory(name="Initech")
    for role in ("admin", "dpo"):
        sign_in(client, UserFactory(**{role: True}))
        assert client.get(reverse("retention:departures")).status_code == 200
        assert client.post(reverse("retention:departure_new"), letter(account)).status_code == 403
    sign_in(client, UserFactory(auditor=True))
    assert client.get(reverse("retention:departures")).status_code == 404
    officer = sign_in(client, UserFactory(officer=True))
    page = text(client.post(reverse("retention:departure_new"), letter(account), follow=True))
    assert "Initech" in page
    departure = Departure.objects.get()
    assert (departure.announced_by, str(departure.requested_on)) == (officer.key, "2026-11-02")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"account": "none such"}, "account"), ({"requested_on": "2026-11-24"}, "requested_on")],
)
def test_a_letter_that_cannot_be_is_refused_beside_the_field(db, client, sign_in, wrong, field):
    sign_in(client, UserFactory(officer=True))
    response = client.post(reverse("retention:departure_new"), letter(CustomerAccountFactory()) | wrong)
    assert list(response.context["form"].errors) == [field]
    assert not Departure.objects.exists()


LIST_QUERIES = 5  # session, person, roles, second factor, who may see all; and the rows


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_asks_the_same_number_of_questions_for_1_and_30_rows(
    db, client, sign_in, django_assert_num_queries, count
):
    for _ in range(count):
        announced(CustomerAccountFactory(), ends_on=TODAY)
    sign_in(client, UserFactory(officer=True))
    client.get(reverse("retention:departures"))
    with django_assert_num_queries(LIST_QUERIES + 1):
        assert client.get(reverse("retention:departures")).status_code == 200


def test_the_list_leads_to_certificates_and_leaves_out_who_stayed(db, client, sign_in):
    done = certified(CustomerAccountFactory(name="Initech"))
    services.withdraw_departure(announced(CustomerAccountFactory(name="Globex")), by="command", now=NOW)
    sign_in(client, UserFactory(officer=True))
    page = text(client.get(reverse("retention:departures")))
    assert at("certificate", done.account) in page
    assert "Globex" not in page
    assert client.get(at("certificate", done.account)).status_code == 200
