"""Sites of the register: who sets one up, what is refused because choices would be mixed up, and what holds until the
register is published again."""

import json
import re
from datetime import timedelta

import pytest
from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.test import Client
from django.urls import reverse

from apps.consent.models import Event
from apps.consent.services import event_id
from apps.cookies import ingest, script
from apps.cookies.choice import Choice, current, format_choice, new_visitor
from apps.cookies.models import Cookie, RegisterVersion, Site
from apps.cookies.services import (
    end_entry,
    preview,
    publish_register,
    save_site,
    seed_cookies,
    seen_of,
)
from apps.core.clock import now
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.models import Entry
from tests.accounts.factories import MembershipFactory, UserFactory
from tests.accounts.test_sign_in import code, with_app
from tests.cookies.factories import CookieFactory, SiteFactory, publish

pytestmark = [pytest.mark.django_db, pytest.mark.req("COO-4")]
LIST = "/registers/cookies/"
NEW, EDIT, SHOWN = f"{LIST}new-site/", f"{LIST}sites/shop/edit/", f"{LIST}sites/shop/"
FORM = {
    "key": "fair", "name": "The fair", "hosts": "www.fair.example\ntickets.fair.example", "cookie_domain": "",
    "languages": ["en", "nl"], "validity_months": "6",
}  # fmt: skip


@pytest.fixture
def admin(client, sign_in):
    return sign_in(client, UserFactory(admin=True))


@pytest.fixture
def shop():
    """A site that is not published yet, with the cookie on `shop.example`."""
    return SiteFactory(key="shop", name="The shop", hosts=["www.shop.example", "my.shop.example"])


@pytest.fixture
def published(shop):
    CookieFactory(site=shop, optional=True)
    publish(shop)
    return shop


@pytest.fixture(autouse=True)
def _nothing_remembered():
    for each in (ingest.hosts, ingest.texts, ingest.registers):
        each.forget()


def content(site, **changes):
    return {name: getattr(site, name) for name in Site.CONTENT} | changes


def save(site, *, at=None, **changes):
    """Change the site as one who has just looked at it."""
    return save_site(site.key, content(site, **changes), seen=seen_of(site), actor="command", now=at or now())


def add(key="fair", *, at=None, **changes):
    said = {"name": "The fair", "hosts": ["www.fair.example"], "cookie_domain": "", "languages": ["en"]}
    return save_site(key, said | {"validity_months": 6} | changes, actor="command", now=at or now())


def refused(call, *arguments, **changes):
    """(field, sentence) of what the register refuses."""
    with pytest.raises(InvalidInput) as error, transaction.atomic():
        call(*arguments, **changes)
    return error.value.field, str(error.value)


def posted(site, **changes):
    """What the form of the site sends."""
    said = {name: value for name, value in content(site).items() if name != "hosts"}
    return said | {"hosts": "\n".join(site.hosts), "seen": seen_of(site)} | changes


def text(response):
    return " ".join(response.content.decode().split())


def error_beside(page, field):
    found = re.search(rf'id="id_{field}_error">(.*?)</div>', text(page))
    return found[1] if found else ""


def boot():
    """What the boot script says of the shop."""
    response = Client().get("/consent.js?site=shop")
    return json.loads(re.search(r"\((\{.*\})\);$", response.content.decode())[1])


def send(version, *, host="www.shop.example", **changes):
    said = {
        "id": str(event_id(now())), "visitor": "v" * 22, "site": version.site_id, "method": "banner",
        "choices": {"performance": True, "functional": False, "marketing": False}, "action": "chosen",
        "text": version.texts["en"], "language": "en", "register": version.number, "gpc": False,
        "page": f"https://{host}/", "previous": None,
    } | changes  # fmt: skip
    headers = {"origin": f"https://{host}"}
    return Client().post(reverse("cookies:ingest"), json.dumps(said), content_type="text/plain", headers=headers)


def counted(event):
    return Event.objects.get(id=event.json()["id"])


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.threat("T5")
@pytest.mark.parametrize("trait", ["officer", "auditor", "dpo"])
def test_other_staff_read_a_site_and_set_up_none(client, sign_in, shop, trait):
    sign_in(client, UserFactory(**{trait: True}))
    for url in (NEW, EDIT):
        assert client.get(url).status_code == client.post(url, FORM).status_code == 403
    assert "Change the site" not in text(client.get(SHOWN))
    assert "Add a site" not in text(client.get(LIST))


def test_for_customers_there_is_no_such_page(client, sign_in, shop):
    assert "/account/login/" in client.get(NEW).url
    sign_in(client, MembershipFactory().user)
    assert {client.get(url).status_code for url in (NEW, EDIT)} == {404}
    assert {client.post(url, FORM).status_code for url in (NEW, EDIT)} == {404}


def test_a_site_that_is_not_there_is_not_found(client, admin):
    assert client.get(f"{LIST}sites/nowhere/edit/").status_code == 404


@pytest.mark.threat("T37", "T42")
@pytest.mark.parametrize("url", [NEW, EDIT])
def test_a_host_is_let_in_only_with_a_fresh_factor_and_what_was_typed_goes_on_after_it(client, sign_in, shop, url):
    sign_in(client, with_app(UserFactory(admin=True)), fresh_factor=False)
    typed = FORM if url == NEW else posted(shop, hosts="www.shop.example\nwww.fair.example")
    asked = client.post(url, typed)
    assert asked.url.startswith(reverse("account_step_up"))
    assert not Site.objects.hosting("www.fair.example").exists()
    done = client.post(reverse("account_step_up"), {"next": url, "code": code()})
    site = Site.objects.hosting("www.fair.example").get()
    assert done.url == reverse("cookies:site", args=[site.key])


# --- from nothing to a choice -----------------------------------------------------------------------------------------


@pytest.mark.req("COO-4", "CON-1")
def test_a_new_site_is_added_published_loaded_and_heard(client, admin):
    page = client.get(LIST)
    assert NEW in text(page)
    shown = client.post(NEW, FORM, follow=True)
    assert "Saved. What visitors are told changes once the register is published." in text(shown)
    assert "Publish the register first" in text(shown)
    assert "consent.js" not in text(shown)
    assert Client().get("/consent.js?site=fair").status_code == 404
    seen = shown.context["seen"].digest
    shown = client.post(f"{LIST}sites/fair/publish/", {"seen": seen, "asks": "again"}, follow=True)
    line = (
        "&lt;script src=&quot;http://localhost:8000/consent.js?site=fair&quot; nonce=&quot;…&quot;&gt;&lt;/script&gt;"
    )
    assert f'<code dir="ltr">{line}</code>' in text(shown)
    assert Client().get("/consent.js?site=fair").status_code == 200
    version = RegisterVersion.objects.of_site("fair").get()
    assert set(version.texts) == {"en", "nl"}
    assert send(version, host="tickets.fair.example").status_code == 201
    assert send(version, host="elsewhere.example").status_code == 403


def test_who_publishes_has_seen_the_languages_and_where_the_cookie_lies(shop):
    shop = save(shop, name="A shop")
    for changes in ({"languages": ["nl"]}, {"cookie_domain": ""}, {"cookie_domain": "shop.example"}):
        for entry in Cookie.objects.of_site("shop").current():
            end_entry(entry.line, actor="command", now=now())
        seen = preview(shop).digest
        shop = save(shop, **changes)
        with pytest.raises(DomainError) as stale:
            publish_register("shop", asks_again=True, seen_digest=seen, actor="command", now=now())
        assert stale.value.code == "stale"


def test_what_the_settings_set_up_is_no_reason_to_refuse_another_name(client, admin):
    odd = SiteFactory(key="odd", hosts=["127.0.0.1", "www.odd.example"], cookie_domain="intranet")
    url = f"{LIST}sites/odd/edit/"
    assert client.post(url, posted(odd, name="Another")).status_code == 302
    odd.refresh_from_db()
    assert (odd.name, odd.hosts) == ("Another", ["127.0.0.1", "www.odd.example"])
    page = client.post(url, posted(odd, hosts="127.0.0.1 127.0.0.2"))
    assert "“127.0.0.2” is no host name" in error_beside(page, "hosts")


def test_the_page_of_a_site_says_what_it_is(client, admin, shop):
    page = text(client.get(SHOWN))
    assert EDIT in page
    assert "<bdi>shop.example</bdi>" in page
    assert '<span lang="nl">Nederlands</span><br><span lang="ar">العربية</span>' in page
    save(shop, cookie_domain="", languages=["nl"])
    page = text(client.get(SHOWN))
    assert "None: each host asks for itself" in page
    assert "العربية" not in page.partition("<main")[2].partition("</main")[0]


def test_evidence_says_who_set_a_site_up_and_nothing_of_what_is_in_it(client, admin):
    client.post(NEW, FORM)
    entry = Entry.objects.about("cookies.register:fair").get()
    assert (entry.verb, entry.actor, entry.facts) == ("cookies.site_set", admin.key, {"hosts": 2})


def test_hosts_are_taken_as_they_were_pasted_each_once_in_small_letters(client, admin):
    client.post(NEW, FORM | {"hosts": " WWW.Fair.example tickets.fair.example\r\nwww.fair.example\n"})
    assert Site.objects.get(key="fair").hosts == ["www.fair.example", "tickets.fair.example"]


def test_languages_stand_in_one_order(client, admin):
    client.post(NEW, FORM | {"languages": ["ar", "en", "ar"]})
    assert Site.objects.get(key="fair").languages == ["en", "ar"]


def test_the_form_holds_what_the_site_says_and_the_key_is_fixed(client, admin, shop):
    form = client.get(EDIT).context["form"]
    assert form["hosts"].value() == "www.shop.example\nmy.shop.example"
    assert (form["languages"].value(), form["cookie_domain"].value()) == (["en", "nl", "ar"], "shop.example")
    client.post(EDIT, posted(shop, key="other", name="Another name"))
    assert Site.objects.get(name="Another name").key == "shop"


def test_what_did_not_change_is_neither_written_nor_recorded(client, admin, shop):
    shop = save(shop, name="A name")
    before = Entry.objects.count()
    assert client.post(EDIT, posted(shop)).url == SHOWN
    assert Entry.objects.count() == before
    save(shop, name="Another name")
    assert Entry.objects.count() == before + 1


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changes", "field", "message"), [
    ({"key": ""}, "key", "required"), ({"key": "Fair"}, "key", "small letters"), ({"key": "ft.x"}, "key", "small"),
    ({"key": "é"}, "key", "small letters"), ({"key": "x" * 41}, "key", "at most 40"), ({"key": "-x"}, "key", "small"),
    ({"key": "main"}, "key", "There is a site with this key already."),
    ({"name": ""}, "name", "required"), ({"name": "a\u202eb"}, "name", "on one line"),
    ({"hosts": ""}, "hosts", "required"), ({"hosts": "ok.example https://x.example"}, "hosts", "“https://x.example”"),
    ({"hosts": "x.example:8000"}, "hosts", "“x.example:8000”"), ({"hosts": ".x.example"}, "hosts", "no "),
    ({"hosts": "x.example/a"}, "hosts", "no host name"), ({"hosts": "münchen.example"}, "hosts", "xn--"),
    ({"hosts": "x.example."}, "hosts", "no host"), ({"hosts": "-x.example"}, "hosts", "no host name"),
    ({"hosts": "192.0.2.1"}, "hosts", "no host name"), ({"hosts": f"{'a' * 64}.example"}, "hosts", "no host name"),
    ({"hosts": f"{'a' * 60}.{'b' * 60}.example"}, "hosts", "no host name"),
    ({"hosts": "a\u202eb.example"}, "hosts", "“…” is no host name"),
    ({"hosts": "<b>.example"}, "hosts", "“&lt;b&gt;.example”"),
    ({"hosts": " ".join(f"h{n}.example" for n in range(51))}, "hosts", "50 host names at most"),
    ({"cookie_domain": ".fair.example"}, "cookie_domain", "without a dot in front"),
    ({"cookie_domain": "fair example"}, "cookie_domain", "Enter a domain"),
    ({"cookie_domain": "example"}, "cookie_domain", "Browsers refuse a domain of one part"),
    ({"hosts": "localhost", "cookie_domain": "localhost"}, "cookie_domain", "Browsers refuse"),
    ({"cookie_domain": "unfair.example"}, "cookie_domain", "None of the host names"),
    ({"cookie_domain": "air.example"}, "cookie_domain", "None of the host names"),
    ({"languages": []}, "languages", "required"), ({"languages": ["fr"]}, "languages", "valid choice"),
    ({"validity_months": "0"}, "validity_months", "greater than or equal to 1"),
    ({"validity_months": "13"}, "validity_months", "less than or equal to 12"),
    ({"hosts": "messagebird.com"}, "hosts", "belongs to the site “Our own sites” already"),
])  # fmt: skip
def test_what_cannot_be_is_refused_beside_its_field_and_what_was_typed_stays(client, admin, changes, field, message):
    page = client.post(NEW, FORM | {"name": "Typed with care"} | changes)
    assert page.status_code == 200
    assert message in error_beside(page, field)
    assert [name for name in FORM if error_beside(page, name)] == [field]
    assert "name" in changes or "Typed with care" in text(page)
    assert not Site.objects.keyed("fair").exists()


def test_a_key_is_taken_once(shop):
    assert refused(add, "shop")[0] == "key"


@pytest.mark.parametrize(("hosts", "domain", "field"), [
    (["my.shop.example"], "", "hosts"),  # a host that the shop has
    (["new.shop.example"], "", "hosts"),  # the shop's cookie reaches it
    (["shop.example"], "", "hosts"),
    (["www.fair.example", "a.b.shop.example"], "fair.example", "hosts"),
    (["www.my.shop.example"], "my.shop.example", "hosts"),
])  # fmt: skip
@pytest.mark.threat("T42")
def test_a_host_where_another_sites_choice_is_kept_is_refused(shop, hosts, domain, field):
    where, sentence = refused(add, hosts=hosts, cookie_domain=domain)
    assert where == field
    assert "The shop" in sentence
    assert hosts[-1] in sentence


@pytest.mark.threat("T42")
def test_a_cookie_that_would_reach_another_sites_host_is_refused():
    add("shop", name="The shop", hosts=["www.shop.example"])
    where, sentence = refused(add, hosts=["fair.shop.example"], cookie_domain="shop.example")
    assert where == "cookie_domain"
    assert "“www.shop.example” of the site “The shop”" in sentence
    assert add(hosts=["fair.shop.example"]).hosts == ["fair.shop.example"]  # a cookie for that host alone reaches none
    fair = Site.objects.get(key="fair")
    assert refused(save, fair, cookie_domain="fair.shop.example", hosts=["fair.shop.example", "www.shop.example"])
    assert save(fair, cookie_domain="fair.shop.example").cookie_domain == "fair.shop.example"


def test_names_that_merely_end_alike_are_no_trouble(shop):
    assert add(hosts=["www.workshop.example"], cookie_domain="workshop.example").key == "fair"
    assert add("third", hosts=["shop.example.org"]).key == "third"


@pytest.mark.threat("T42")
def test_a_host_that_went_from_one_site_to_another_has_to_wait_until_no_choice_is_left(published):
    shop = save(published, hosts=["www.shop.example", "my.shop.example", "shop.example.org"])
    publish(shop)
    shop = save(shop, hosts=["www.shop.example"])
    where, sentence = refused(add, hosts=["shop.example.org"])
    assert (where, "within the last year" in sentence) == ("hosts", True)
    left = publish(shop).published_at
    assert refused(add, hosts=["example.org", "shop.example.org"], at=left + timedelta(days=360))[0] == "hosts"
    where, sentence = refused(add, hosts=["www.example.org"], cookie_domain="example.org", at=left + timedelta(days=9))
    assert (where, "shop.example.org" in sentence) == ("cookie_domain", True)
    assert add(hosts=["shop.example.org"], at=left + timedelta(days=367)).key == "fair"


@pytest.mark.threat("T42")
def test_a_host_that_was_never_published_counts_as_one_that_was_there(published):
    """Its pages could load the banner as soon as it stood in the list."""
    shop = save(published, hosts=[*published.hosts, "example.org"])
    shop = save(shop, hosts=["www.shop.example", "my.shop.example"])
    assert refused(add, hosts=["example.org"])[0] == "hosts"
    back = save(shop, hosts=[*shop.hosts, "example.org"])
    assert back.former_hosts == {}


def test_a_host_that_was_added_to_the_wrong_site_by_mistake_goes_to_the_right_one_while_no_banner_was_there(shop):
    hosts = shop.hosts
    shop = save(shop, hosts=[*hosts, "example.org"])
    save(shop, hosts=hosts)
    assert add(hosts=["example.org"]).hosts == ["example.org"]


def test_where_the_cookie_lies_is_settled_with_the_first_publication(client, admin, shop):
    assert client.post(EDIT, posted(shop, cookie_domain="")).url == SHOWN
    shop.refresh_from_db()
    assert client.post(EDIT, posted(shop, cookie_domain="shop.example")).url == SHOWN
    shop.refresh_from_db()
    publish(shop)
    for domain in ("", "www.shop.example"):
        page = client.post(EDIT, posted(shop, cookie_domain=domain, name="Typed with care"))
        assert "can’t be changed" in error_beside(page, "cookie_domain")
        assert "Typed with care" in text(page)
    assert client.post(EDIT, posted(shop, name="Another name")).url == SHOWN


def test_two_administrators_do_not_overwrite_one_another(client, admin, shop):
    mine, theirs = posted(shop, name="Mine"), posted(shop, name="Theirs")
    client.post(EDIT, theirs)
    page = client.post(EDIT, mine)
    assert "Somebody else changed this site" in text(page)
    assert "Mine" in text(page)
    assert Site.objects.get(key="shop").name == "Theirs"
    with pytest.raises(DomainError):
        save_site("nowhere", content(shop), seen="0" * 64, actor="command", now=now())


# --- what was published holds -----------------------------------------------------------------------------------------


@pytest.mark.req("COO-3", "CON-1")
def test_how_long_a_choice_counts_changes_with_the_next_publication(published):
    first = RegisterVersion.objects.of_site("shop").get()
    shop = save(published, validity_months=12)
    assert boot()["months"] == 6
    one = counted(send(first))
    assert one.ended_at == one.at + relativedelta(months=6)
    second = publish(shop)
    assert (boot()["months"], second.validity_months) == (12, 12)
    late, new = counted(send(first)), counted(send(second))
    assert late.ended_at == late.at + relativedelta(months=6)  # an old banner told six months
    assert new.ended_at == new.at + relativedelta(months=12)


@pytest.mark.req("COO-3")
def test_the_page_of_cookies_keeps_a_choice_for_as_long_as_it_told():
    main = Site.objects.get(key="main")
    save(main, validity_months=12)
    version = RegisterVersion.objects.current().get(site=main)
    client = Client()
    client.post("/cookies/", {"action": "accept", "text": version.texts["en"]})
    assert 180 < client.cookies["portal_consent"]["max-age"] / 86400 < 185
    event = Event.objects.of("site:main", client.cookies["portal_consent"].value.split(".")[1]).get()
    assert event.ended_at - event.at < timedelta(days=185)
    assert client.get("/cookies/").context["until"] == event.at.replace(microsecond=0) + relativedelta(months=6)


@pytest.mark.req("COO-3")
def test_a_choice_of_seven_months_ago_does_not_come_back_because_a_longer_time_is_drafted(rf, published):
    shop = save(published, validity_months=12)
    number = RegisterVersion.objects.of_site("shop").get().material_number
    said = Choice(new_visitor(), number, frozenset(), now() - timedelta(days=213), event_id(now()))
    request = rf.get("/", headers={"cookie": f"portal_consent={format_choice(said)}"})
    assert current(request, shop, now=now()) is None
    publish(shop)
    assert current(request, shop, now=now()) is not None


def test_a_language_goes_with_the_next_publication_and_until_then_comes_last(published):
    shop = save(published, languages=["nl"])
    assert list(boot()["ui"]) == ["nl", "ar", "en"]
    tag = boot()["ui"]["ar"]
    assert Client().get(reverse("cookies:banner", args=[tag]), {"site": "shop", "lang": "ar"}).status_code == 200
    publish(shop)
    assert list(boot()["ui"]) == ["nl"]


def test_a_visitor_whose_language_is_not_there_reads_the_sites_first_one():
    publish(save(Site.objects.get(key="main"), languages=["nl", "ar"]))
    assert Client(headers={"accept-language": "en"}).get("/cookies/").context["words"]["reject"] == "Alles weigeren"


@pytest.mark.threat("T42")
def test_a_host_that_was_taken_off_is_heard_no_more(published):
    version = RegisterVersion.objects.of_site("shop").get()
    assert send(version, host="my.shop.example").status_code == 201
    save(published, hosts=["www.shop.example"])
    ingest.hosts.forget()  # half a minute later
    assert send(version, host="my.shop.example").status_code == 403
    assert send(version).status_code == 201


def test_seeding_brings_back_no_host_that_people_took_off_or_gave_to_another_site(settings):
    main = Site.objects.get(key="main")
    main = save(main, hosts=[*main.hosts, "never.messagebird.com"])
    settings.CONSENT_HOSTS = [*settings.CONSENT_HOSTS, "never.messagebird.com"]
    main = save(main, hosts=[host for host in main.hosts if host != "never.messagebird.com"])
    save(main, hosts=[host for host in main.hosts if host != "developers.messagebird.com"])
    add(hosts=["privacy.fair.example"])
    settings.BASE_URL = "https://privacy.fair.example"
    seed_cookies(now=now())
    assert Site.objects.get(key="main").hosts == ["dashboard.messagebird.com", "messagebird.com", "localhost"]
    settings.BASE_URL = "https://privacy.messagebird.com"
    seed_cookies(now=now())
    assert Site.objects.get(key="main").hosts[-1] == "privacy.messagebird.com"


# --- how much it asks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 30])
def test_pages_and_saving_ask_as_much_among_thirty_sites_as_among_two(
    client, admin, shop, count, django_assert_num_queries
):
    for other in SiteFactory.create_batch(count):
        publish(other)
    shop = save(shop, name="The shop again")
    client.get(LIST)
    with django_assert_num_queries(7):
        assert "The shop again" in text(client.get(LIST))
    with django_assert_num_queries(5):
        client.get(EDIT)
    with django_assert_num_queries(12):
        save(shop, name=f"Among {count}")


def test_the_banners_files_still_ask_once(published, django_assert_num_queries):
    boot()
    with django_assert_num_queries(1):
        assert script.Edition.of("shop").months == 6
