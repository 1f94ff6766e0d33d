"""The pages of the cookie register: who sees them, who writes, what a preview tells, and what publishing asks for."""

import uuid

import pytest
from django.urls import reverse

from apps.cookies.models import Cookie, RegisterVersion
from apps.cookies.services import preview
from tests.accounts.factories import MembershipFactory, UserFactory
from tests.cookies.factories import CookieFactory, SiteFactory, publish
from tests.processors.factories import ProcessorFactory

pytestmark = pytest.mark.django_db
WORDS = {f"{name}_{language}": "Counts visits." for name in ("purpose", "refusing") for language in ("en", "nl", "ar")}
FORM = WORDS | {
    "kind": "cookie", "name": "stats_*", "host": ".shop.example", "party": "first", "processor": "",
    "category": "performance", "duration": "persistent", "lifetime": "P30D", "request_hosts": "", "seen_version": "0",
}  # fmt: skip
LIST = "/registers/cookies/"


@pytest.fixture
def admin(client, sign_in):
    return sign_in(client, UserFactory(admin=True))


@pytest.fixture
def site():
    found = SiteFactory(key="shop")
    CookieFactory(site=found, name="session")
    publish(found)
    return found


@pytest.fixture
def stats(site):
    draft = CookieFactory(site=site, name="stats", optional=True, duration="persistent", lifetime="P30D")
    publish(site)
    return Cookie.objects.get(pk=draft.pk)


def text(response):
    return " ".join(response.content.decode().split())


def seen(site):
    return preview(site).digest


@pytest.mark.threat("T5")
@pytest.mark.parametrize("trait", ["officer", "auditor", "dpo"])
def test_staff_read_and_only_administrators_write(client, sign_in, stats, trait):
    sign_in(client, UserFactory(**{trait: True}))
    entry = reverse("cookies:entry", args=[stats.line])
    for url in (LIST, entry, f"{LIST}sites/shop/"):
        assert client.get(url).status_code == 200
    for url in (f"{LIST}new/", f"{entry}edit/", f"{entry}end/", f"{entry}drop/"):
        assert client.get(url).status_code == 403
        assert client.post(url, FORM).status_code == 403
    assert client.post(f"{LIST}sites/shop/publish/", {"seen": seen(stats.site)}).status_code == 403
    assert "Change" not in text(client.get(entry)).partition("<main")[2].partition("History")[0]
    assert "Publish</button>" not in text(client.get(f"{LIST}sites/shop/"))


def test_for_customers_and_visitors_there_is_no_such_place(client, sign_in, stats):
    assert "/account/login/" in client.get(LIST).url
    sign_in(client, MembershipFactory().user)
    for url in (LIST, f"{LIST}new/", f"{LIST}sites/shop/", reverse("cookies:entry", args=[stats.line])):
        assert client.get(url).status_code == 404


def test_the_register_is_filtered_by_site_category_and_words(client, admin, stats):
    def names(**query):
        return {row.cookie.name for row in client.get(LIST, query).context["table"].rows}

    assert {"session", "stats", "portal_consent", "ads_id"} <= names()
    assert names(site="shop") == {"session", "stats"}
    assert names(site="shop", category="performance") == {"stats"}
    assert names(q="ADS_") == {"ads_id", "ads_click", "ads_profile", "ads_interests"}
    assert names(site="nowhere", category="magic") == names()
    assert "No entry fits these filters." in text(client.get(LIST, {"q": "nothing"}))


@pytest.mark.parametrize("count", [1, 30])
def test_the_register_asks_as_much_for_one_row_as_for_thirty(client, admin, django_assert_num_queries, count):
    CookieFactory.create_batch(count, site=SiteFactory(), third=True)
    client.get(LIST)
    with django_assert_num_queries(7):
        client.get(LIST, {"size": 200})


@pytest.mark.threat("T33")
@pytest.mark.parametrize("query", ["q=%27%22%25_", "q=" + "x" * 5000, "site=%3Cscript%3E", "cursor=x&sort=-", "size=9"])
def test_no_address_makes_the_list_fail(client, admin, query):
    assert client.get(f"{LIST}?{query}").status_code == 200


@pytest.mark.req("COO-1")
def test_an_entry_is_written_as_a_draft_shown_changed_and_dropped(client, admin, site):
    url = client.post(f"{LIST}new/", FORM | {"site": "shop"}).url
    draft = Cookie.objects.drafted().get(site=site)
    assert url == reverse("cookies:entry", args=[draft.line])
    page = text(client.get(url))
    assert "Draft" in page
    assert "persistent, 30 days" in page
    assert "stats_*" not in text(client.get("/cookies/"))
    client.post(f"{url}edit/", FORM | {"lifetime": "P7D", "seen_version": "1"})
    page = text(client.get(url))
    assert "persistent, 7 days" in page
    assert "Lifetime: 30 days → 7 days" in page
    client.post(f"{url}drop/")
    assert "This entry is off the register." in text(client.get(url))


@pytest.mark.parametrize(("changes", "message"), [
    ({"party": "third"}, "Name the company"), ({"lifetime": ""}, "Say how long the cookie stays"),
    ({"duration": "session"}, "What ends with the session"), ({"lifetime": "P"}, "Enter a duration"),
    ({"lifetime": "1 year"}, "Enter a duration"), ({"host": "https://shop.example/"}, "Enter a host name"),
    ({"request_hosts": "ok.example not/ok"}, "Enter a host name"),
    ({"name": "session", "host": "www.example.org"}, "has an entry for this name"),
    ({"purpose_nl": ""}, "This field is required"), ({"name": "a\u202eb"}, "Enter this on one line"),
    ({"processor": str(uuid.UUID(int=1))}, "Select a valid choice"), ({"site": "nowhere"}, "Select a valid choice"),
    ({"seen_version": "3"}, "Somebody else changed this entry"),
])  # fmt: skip
def test_what_cannot_be_is_refused_beside_its_field_and_nothing_typed_is_lost(client, admin, site, changes, message):
    response = client.post(f"{LIST}new/", FORM | {"site": "shop", "purpose_en": "Typed with care."} | changes)
    assert response.status_code == 200
    assert message in text(response)
    assert "Typed with care." in text(response)
    assert not Cookie.objects.drafted().filter(site=site).exists()


def test_two_writers_do_not_overwrite_one_another(client, admin, stats):
    url = f"{reverse('cookies:entry', args=[stats.line])}edit/"
    client.post(url, FORM | {"name": "stats", "seen_version": "1"})
    assert "Somebody else changed this entry" in text(client.post(url, FORM | {"name": "mine", "seen_version": "1"}))


def test_the_form_holds_what_the_entry_says_and_the_site_is_fixed(client, admin, site):
    draft = CookieFactory(site=site, third=True, request_hosts=["a.example", "b.example"])
    page = text(client.get(reverse("cookies:edit", args=[draft.line])))
    assert 'value="a.example b.example"' in page
    assert f'value="{draft.processor_id}" selected' in page
    assert 'name="site"' not in page
    assert 'lang="ar" dir="rtl"' in page


@pytest.mark.req("COO-3")
def test_a_preview_tells_what_changes_and_why_everybody_would_be_asked_again(client, admin, stats):
    company = ProcessorFactory(name="Counting B.V.")
    changed = FORM | {"name": "stats", "host": stats.host, "lifetime": "P60D", "processor": str(company.pk),
                      "purpose_en": "Counts many visits.", "seen_version": "1"}  # fmt: skip
    client.post(reverse("cookies:edit", args=[stats.line]), changed)
    CookieFactory(site=stats.site, name="new_one")
    client.post(reverse("cookies:end", args=[Cookie.objects.get(site="shop", name="session").line]))
    page = text(client.get(f"{LIST}sites/shop/"))
    for words in ("Lifetime: 30 days → 60 days", "Company: – → Counting B.V.", "1 word added", "Added", "Taken off",
                  "a company gets data that did not get it before", "something is kept for longer",
                  "This change is material", "Publish and ask everybody again"):  # fmt: skip
        assert words in page, words
    assert ">Publish</button>" not in page


@pytest.mark.req("COO-3")
def test_an_administrator_publishes_an_editorial_change_and_nobody_is_asked(client, admin, stats):
    changed = FORM | {"name": "stats", "host": stats.host, "purpose_en": "Counts the visits.", "seen_version": "1"}
    client.post(reverse("cookies:edit", args=[stats.line]), changed)
    assert "This change is editorial" in text(client.get(f"{LIST}sites/shop/"))
    page = text(client.post(f"{LIST}sites/shop/publish/", {"seen": seen(stats.site)}, follow=True))
    assert "Published. Choices stand." in page
    assert "Nothing: what is published is what stands here." in page
    version = RegisterVersion.objects.current().get(site="shop")
    assert (version.number, version.is_material, version.material_number) == (3, False, 2)
    entry = next(entry for entry in version.content["entries"] if entry["name"] == "stats")
    assert entry["purpose"]["en"] == "Counts the visits."


@pytest.mark.req("COO-3")
def test_a_material_change_is_not_published_as_a_typo(client, admin, stats):
    CookieFactory(site=stats.site, optional=True)
    page = text(client.post(f"{LIST}sites/shop/publish/", {"seen": seen(stats.site)}, follow=True))
    assert "This change needs a new choice of everybody" in page
    client.post(f"{LIST}sites/shop/publish/", {"seen": seen(stats.site), "asks": "again"})
    assert RegisterVersion.objects.current().get(site="shop").material_number == 3


def test_what_was_not_seen_is_not_published(client, admin, stats):
    CookieFactory(site=stats.site)
    for sent in ({}, {"seen": "x"}, {"seen": "0" * 64, "asks": "again"}):
        assert "The register changed" in text(client.post(f"{LIST}sites/shop/publish/", sent, follow=True))
    assert client.post(f"{LIST}sites/nowhere/publish/", {}).status_code == 404
    assert client.get(f"{LIST}sites/shop/publish/").status_code == 405


@pytest.mark.threat("T37")
def test_publishing_asks_for_a_fresh_factor_and_goes_on_afterwards(client, sign_in, stats):
    sign_in(client, UserFactory(admin=True), fresh_factor=False)
    CookieFactory(site=stats.site)
    response = client.post(f"{LIST}sites/shop/publish/", {"seen": seen(stats.site)})
    assert response.status_code == 302
    assert "step" in response.url
    assert RegisterVersion.objects.of_site("shop").count() == 2


def test_taking_an_entry_off_is_asked_once_more_and_may_be_taken_back(client, admin, stats):
    url = reverse("cookies:entry", args=[stats.line])
    assert "Take this entry off the register?" in text(client.get(f"{url}end/"))
    client.post(f"{url}end/")
    page = text(client.get(url))
    assert "To be taken off" in page
    assert "Take off the register" not in page
    assert "off the register already" in text(client.post(f"{url}end/", follow=True))
    client.post(f"{url}drop/")
    assert not preview(stats.site).is_any
    assert client.get(reverse("cookies:entry", args=[uuid.uuid4()])).status_code == 404
