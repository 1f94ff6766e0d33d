"""The register of rules: who reads it, who changes it, and that nothing is changed before it was shown."""

import csv
import io
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from apps.retention import services
from apps.retention.models import Rule, RuleChange
from apps.retention.states import ChangeStatus
from tests.accounts.factories import LONG_AGO, MembershipFactory, UserFactory
from tests.retention.factories import RuleChangeFactory, RuleFactory

pytestmark = [pytest.mark.django_db, pytest.mark.req("RET-1")]

KEY = "support_recordings"
LIST, RULE, FORM = "/registers/rules/", f"/registers/rules/{KEY}/", f"/registers/rules/{KEY}/change/"
END, FILE, NEW = f"/registers/rules/{KEY}/end/", "/registers/rules/file/", "/registers/rules/new/"


@pytest.fixture(autouse=True)
def rules(db):
    call_command("datamap", "load", "apps/demo/datasets/platform.yml", verbosity=0, stdout=StringIO())
    Rule.objects.update(in_force_at=LONG_AGO - timedelta(days=1))
    Rule.objects.filter(key=KEY).update(period="P90D", max_period="P180D", version=3)


@pytest.fixture
def admin(client, sign_in):
    return sign_in(client, UserFactory(admin=True))


def text(response):
    return " ".join(response.content.decode().split())


def typed(**changes):
    """What the form of the rule sends back when nothing was touched, with changes; None: a box that is not ticked."""
    rule = Rule.objects.current().get(key=KEY)
    said = {
        name: getattr(rule, name) for name in Rule.FACTS if name not in ("key", "version", "is_duty", "is_interest")
    }
    said |= {"is_limit": "on", "reviewed_on": "", "collections": "", "categories": "", "base_version": rule.version}
    return {name: value for name, value in (said | changes).items() if value is not None}


def hidden(response):
    """The hidden fields of the page's form that confirms, as a browser would send them."""
    form = response.context["form"]
    return {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}


def period():
    return services.current_rules()[KEY].period


# --- reading ---


@pytest.mark.threat("T5")
@pytest.mark.parametrize(
    ("who", "reads", "writes"),
    [("admin", 200, 200), ("officer", 200, 403), ("dpo", 200, 403), ("auditor", 200, 403), ("customer", 404, 404),
     (None, 302, 302)],
)  # fmt: skip
def test_staff_read_the_rules_and_administrators_change_them(client, sign_in, who, reads, writes):
    change = f"{LIST}changes/{RuleChangeFactory(key='security_logs').pk}/"
    if who == "customer":
        sign_in(client, MembershipFactory(role="owner").user)
    elif who:
        sign_in(client, UserFactory(**{who: True}))
    for url in (LIST, f"{LIST}?format=csv", f"{LIST}retention-rules.yml", RULE, change):
        assert client.get(url).status_code == reads, url
    for url in (FORM, FILE, NEW, END):
        assert client.get(url).status_code == writes, url
    posted = client.post(FORM, typed(period="P120D", step="confirm")).status_code
    assert posted == (302 if who == "admin" else writes)
    assert period() == ("P120D" if who == "admin" else "P90D")


@pytest.mark.usefixtures("admin")
def test_the_list_is_sorted_filtered_and_taken_away(client):
    def keys(**query):
        return [row.rule.key for row in client.get(LIST, query).context["table"].rows]

    assert keys() == sorted(Rule.objects.current().values_list("key", flat=True))
    assert keys(sort="-rule") == sorted(keys(), reverse=True)
    assert keys(q="support") == [KEY]
    assert keys(kind="duty") == ["tax"]
    assert "No rule fits these filters." in text(client.get(LIST, {"q": "nothing at all"}))
    header, *rows = csv.reader(io.StringIO(client.get(f"{LIST}?format=csv").getvalue().decode("utf-8-sig")))
    assert [row[0] for row in rows] == keys()
    assert "Act and article" in header


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_asks_the_same_number_of_questions_for_few_rules_and_many(
    client, sign_in, django_assert_num_queries, count
):
    RuleFactory.create_batch(count)
    sign_in(client, UserFactory(auditor=True))
    client.get(LIST)
    with django_assert_num_queries(
        7
    ):  # session, person, roles, second factor, rules; whether they see what waits, and that
        assert client.get(LIST).status_code == 200


@pytest.mark.usefixtures("admin")
def test_the_registers_lead_to_one_another(client):
    for here, there in (("/registers/processors/", LIST), (LIST, "/registers/processors/")):
        page = client.get(here).content.decode()
        assert f'<a href="{there}"' in page
        assert re.search(rf'<a href="{here}" aria-current="page">', page)


@pytest.mark.usefixtures("admin")
def test_a_rule_tells_what_each_version_changed_word_by_word(client):
    content = services.current_rules()[KEY].content | {"why": "training and nothing else"}
    services.propose_change(key=KEY, content=content, base_version=3, actor="command", now=LONG_AGO)
    page = text(client.get(RULE))
    assert "Recordings of support calls" in page
    assert "Version <bdi>4</bdi>, in force" in page
    assert re.search(r"<ins>.{0,80}nothing else", page)
    assert re.search(r"<del>.{0,80}quality", page)
    assert "changed the retention rule support_recordings: version 4" in page
    assert client.get(f"{LIST}no_such_rule/").status_code == 404


@pytest.mark.usefixtures("admin")
def test_the_file_that_is_taken_away_is_what_the_command_writes(client):
    response = client.get(f"{LIST}retention-rules.yml")
    assert response.content.decode() == services.export_rules()
    assert "attachment" in response.headers["Content-Disposition"]


# --- changing ---


@pytest.mark.threat("T52")
@pytest.mark.usefixtures("admin")
def test_nothing_changes_before_it_was_shown_and_confirmed(client):
    shown = client.post(FORM, typed(period="P30D", step="preview"))
    page = text(shown)
    assert "A second administrator has to approve it:" in page
    assert "The period is shorter." in page
    assert "Recordings of support calls" in page
    assert "60 days shorter" in page
    assert (period(), RuleChange.objects.count()) == ("P90D", 0)
    done = client.post(FORM, hidden(shown) | {"step": "confirm"})
    change = RuleChange.objects.get()
    assert done.url == f"{LIST}changes/{change.pk}/"
    assert (change.status, period()) == (ChangeStatus.PROPOSED, "P90D")


@pytest.mark.usefixtures("admin")
def test_what_keeps_more_is_in_force_once_it_is_confirmed(client):
    shown = client.post(FORM, typed(period="P120D", step="preview"))
    assert "no second person is needed" in text(shown)
    assert client.post(FORM, hidden(shown) | {"step": "confirm"}).url == RULE
    assert period() == "P120D"


@pytest.mark.threat("T37")
def test_confirming_needs_a_fresh_second_factor(client, sign_in):
    sign_in(client, UserFactory(admin=True), fresh_factor=False)
    other = {"pk": RuleChangeFactory().pk, "verb": "approve"}
    for url, data in (
        (FORM, typed(period="P120D", step="confirm")),
        (END, {"seen_version": 3}),
        (FILE, {"text": services.export_rules(), "step": "confirm"}),
        (f"{LIST}changes/{other['pk']}/approve/", {}),
    ):
        assert client.post(url, data).url.startswith("/account/step-up/"), url
    assert period() == "P90D"
    assert client.post(FORM, typed(period="P120D", step="preview")).status_code == 200


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("step", ["preview", "confirm"])
def test_every_mistake_stands_beside_its_field_and_nothing_typed_is_lost(client, step):
    wrong = typed(period="three months", max_period="", why="a long\nexplanation", region="Mars", extends="no_rule",
                  collections="platform:nothing", reviewed_on="spring", step=step)  # fmt: skip
    response = client.post(FORM, wrong)
    form = response.context["form"]
    assert {"max_period", "reviewed_on"} <= set(form.errors)
    page = response.content.decode()
    for typed_word in ("three months", "a long\nexplanation", "Mars", "no_rule", "platform:nothing", "spring"):
        assert typed_word in page
    again = client.post(FORM, typed(period="three months", is_limit=None, step=step)).context["form"]
    assert {"period", "is_limit"} <= set(again.errors)
    own = client.post(FORM, typed(region="Mars", categories="user.nam", step=step)).context["form"]
    assert {"region", "categories"} <= set(own.errors)
    assert not RuleChange.objects.exists()


@pytest.mark.usefixtures("admin")
def test_one_goes_on_writing_with_what_was_typed(client):
    shown = client.post(FORM, typed(why="first line\nsecond line", collections="platform:calls", step="preview"))
    back = client.post(FORM, hidden(shown) | {"step": "edit"})
    assert back.context["form"]["why"].value() == "first line\nsecond line"
    assert back.context["form"]["collections"].value() == "platform:calls"
    assert back.templates[0].name == "retention/rule_form.html"


@pytest.mark.usefixtures("admin")
def test_of_two_who_change_the_same_rule_the_later_one_is_told(client):
    late = typed(period="P120D", step="confirm")
    client.post(FORM, typed(period="P100D", step="confirm"))
    assert "The rule was changed meanwhile." in text(client.post(FORM, late))
    assert period() == "P100D"


@pytest.mark.usefixtures("admin")
def test_a_new_rule_is_shown_and_waits(client):
    said = typed(key="phone_notes", period="P10D", collections="platform:support_recordings", base_version=0)
    shown = client.post(NEW, said | {"step": "preview"})
    assert "It is a new limit." in text(shown)
    client.post(NEW, hidden(shown) | {"step": "confirm"})
    assert RuleChange.objects.get().key == "phone_notes"
    taken = client.post(NEW, said | {"key": KEY, "step": "preview"})
    assert "The rule was changed meanwhile." in text(taken)
    assert client.post(NEW, said | {"key": "New Rule", "step": "preview"}).context["form"].errors["key"]


@pytest.mark.usefixtures("admin")
def test_ending_a_rule_is_shown_first_and_waits(client):
    page = text(client.get(END))
    assert "The rule ends. Its versions stay in the register." in page
    assert "No rule reaches this collection" in page  # what lint will say
    client.post(END, {"seen_version": 3})
    change = RuleChange.objects.get()
    assert (change.content, change.status) == ({}, ChangeStatus.PROPOSED)
    assert client.get(f"{LIST}changes/{change.pk}/").status_code == 200
    services.approve_change(change, actor="command", now=LONG_AGO)
    assert "the last: the rule ended" in text(client.get(RULE))
    assert client.get(FORM).status_code == 404


# --- deciding ---


@pytest.mark.threat("T52")
def test_another_administrator_decides_and_the_proposer_only_withdraws(client, sign_in):
    first, second = UserFactory(admin=True), UserFactory(admin=True)
    change = RuleChangeFactory(proposed_by=first.key)
    address = f"{LIST}changes/{change.pk}/"
    sign_in(client, first)
    page = text(client.get(address))
    assert "Another administrator has to approve it." in page
    assert "Withdraw it" in page
    for verb in ("approve", "decline"):
        assert client.post(f"{address}{verb}/").status_code == 403
    assert period() == "P90D"
    sign_in(client, second)
    assert client.post(f"{address}withdraw/").status_code == 403
    page = text(client.get(address))
    assert "112" in page
    assert "In all other accounts together 40 more rows" in page
    client.post(f"{address}approve/")
    assert period() == "P30D"
    assert "tag-green" in text(client.get(address))


@pytest.mark.usefixtures("admin")
def test_what_waits_stands_on_the_list_and_on_the_rule(client):
    change = RuleChangeFactory()
    for url in (LIST, RULE):
        assert f"{LIST}changes/{change.pk}/" in text(client.get(url))
    client.post(f"{LIST}changes/{change.pk}/refresh/")
    change.refresh_from_db()
    assert change.preview["day"] != "2026-06-01"
    client.post(f"{LIST}changes/{change.pk}/decline/")
    assert f"{LIST}changes/" not in text(client.get(LIST))
    assert client.post(f"{LIST}changes/{change.pk}/explode/").status_code == 404


def test_an_officer_decides_nothing(client, sign_in):
    change = RuleChangeFactory()
    sign_in(client, UserFactory(officer=True))
    assert "Approve the change" not in text(client.get(f"{LIST}changes/{change.pk}/"))
    for verb in ("approve", "decline", "withdraw", "refresh"):
        assert client.post(f"{LIST}changes/{change.pk}/{verb}/").status_code == 403


# --- files ---


def sent(content, name="rules.yml"):
    return {"file": SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)}


@pytest.mark.threat("T52")
@pytest.mark.usefixtures("admin")
def test_a_file_is_shown_rule_by_rule_and_then_loaded(client):
    changed = services.export_rules().replace("period: P90D", "period: P30D")
    shown = client.post(FILE, sent(changed) | {"step": "preview"})
    assert [preview.after.key for preview, _ in shown.context["seen"]] == [KEY]
    assert (period(), RuleChange.objects.count()) == ("P90D", 0)
    done = client.post(FILE, {"text": shown.context["form"]["text"].value(), "step": "confirm"})
    assert done.url == LIST
    assert RuleChange.objects.get().status == ChangeStatus.PROPOSED
    assert "1 waits for a second person." in text(client.get(LIST))


@pytest.mark.threat("T33")
@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("version: 1\nrules: [", "This is not YAML"),
        ("version: 1\nrules:\n- key: tax\n  period: long\n", "Line 3: tax: data_family: This field is missing."),
        (b"\xff\xfe", "not a text in UTF-8"),
        ("x" * 600_000, "too large"),
    ],
)
def test_a_file_with_mistakes_is_told_by_line_and_stays_to_be_corrected(client, content, said):
    response = client.post(FILE, sent(content) | {"step": "preview"})
    assert said in text(response)
    if isinstance(content, str) and len(content) < 1000:
        assert response.context["form"]["text"].value() == content
    assert not RuleChange.objects.exists()


@pytest.mark.usefixtures("admin")
def test_a_file_that_says_what_is_in_force_changes_nothing(client):
    page = text(client.post(FILE, sent(services.export_rules()) | {"step": "preview"}))
    assert "The file says what is in force already." in page
    assert "Choose a file, or paste its text." in text(client.post(FILE, {"step": "preview"}))


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_the_pages_speak_each_language(client, language):
    client.cookies["django_language"] = language
    change = RuleChangeFactory()
    for url in (LIST, RULE, FORM, END, FILE, f"{LIST}changes/{change.pk}/"):
        response = client.get(url)
        assert response.status_code == 200, url
        assert f'lang="{language}"' in response.content.decode()
