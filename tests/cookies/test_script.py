"""How the banner's files are served: to any site, out of any cache, small."""

import gzip
import json
import re
from datetime import timedelta

import brotli
import pytest
from django.test import Client
from django.urls import reverse

from apps.consent.models import Text
from apps.cookies import script
from apps.cookies.models import RegisterVersion
from apps.core import clock
from tests.cookies.factories import CookieFactory, SiteFactory, publish

pytestmark = pytest.mark.django_db
NO_STATE = {"Set-Cookie", "Content-Security-Policy", "Content-Language"}


@pytest.fixture
def shop():
    site = SiteFactory(key="shop", cookie_domain="shop.example")
    CookieFactory(site=site, name="_stats_*", category="performance", lifetime="P13M", duration="persistent")
    CookieFactory(site=site, name="cart", host="www.shop.example")
    CookieFactory(site=site, name="theirs", category="marketing", third=True)
    publish(site)
    return site


@pytest.fixture
def browser_of():
    return Client(headers={"accept-encoding": "gzip, deflate, br, zstd", "accept-language": "nl"})


def boot_of(client, query="site=shop"):
    return client.get(f"{reverse('cookies:script')}?{query}")


def facts(response):
    """What the portal says of the site at the end of the boot script."""
    return json.loads(re.search(r"\((\{.*\})\);$", text(response))[1])


def text(response):
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress}.get(response.get("Content-Encoding"), bytes)
    return unpack(response.content).decode()


def banner_of(client, boot, language="en", **changed):
    said = facts(boot)
    query = {"site": said["key"], "lang": language, "v": said["number"]} | changed
    return client.get(reverse("cookies:banner", args=[said["ui"][language]]), query)


@pytest.mark.req("COO-1")
def test_a_first_visit_weighs_at_most_8_kb_in_each_language(browser_of, shop):
    for language in ("en", "nl", "ar"):
        boot = boot_of(browser_of, f"site=shop&lang={language}")
        banner = banner_of(browser_of, boot, language)
        assert boot["Content-Encoding"] == banner["Content-Encoding"] == "br"
        assert len(boot.content) <= 2600
        assert len(boot.content) + len(banner.content) <= 8192


def test_every_cache_may_keep_the_files_and_no_cookie_or_session_is_touched(
    browser_of, shop, django_assert_num_queries
):
    boot = boot_of(browser_of)
    assert boot["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400, stale-if-error=86400"
    banner = banner_of(browser_of, boot)
    table = browser_of.get(reverse("cookies:table", args=["shop", 1, "en"]))
    for response in (banner, table):
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    for response in (boot, banner, table):
        assert response.status_code == 200
        assert response["Vary"] == "Accept-Encoding"
        assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert response["Timing-Allow-Origin"] == response["Access-Control-Allow-Origin"] == "*"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert int(response["Content-Length"]) == len(response.content)
        assert not NO_STATE & set(response.headers)
        assert not response.cookies
    with django_assert_num_queries(1):  # made once: then only which register is in force
        boot_of(browser_of)


def test_who_has_the_file_already_gets_304(browser_of, shop):
    first = boot_of(browser_of)
    again = browser_of.get("/consent.js?site=shop", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Access-Control-Allow-Origin"] == "*"
    assert browser_of.get("/consent.js?site=shop", headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("br;q=1.0, gzip", "br"), ("gzip, br;q=0", "gzip"), ("", None), ("identity", None), ("br;q=0.001", "br")],
)
def test_encodings_are_those_that_the_browser_takes(shop, accepted, encoding):
    plain, sent = boot_of(Client()), boot_of(Client(headers={"accept-encoding": accepted}))
    assert sent.get("Content-Encoding") == encoding
    assert text(sent) == plain.content.decode()
    assert (sent["ETag"] == plain["ETag"]) is (encoding is None)


def test_no_comment_travels(shop):
    boot = boot_of(Client())
    assert "// " not in re.sub(r"https?://", "", text(boot))
    assert "/*" not in text(banner_of(Client(), boot))


def test_the_banner_says_the_published_words_and_their_digest(shop):
    version = RegisterVersion.objects.get(site=shop)
    for language, digest in version.texts.items():
        code = text(banner_of(Client(), boot_of(Client()), language))
        said = json.JSONDecoder().raw_decode(code.removeprefix("const T="))[0]
        words = Text.objects.get(digest=digest).body
        assert (said["text"], said["number"], said["material"], said["domain"]) == (digest, 1, 1, "shop.example")
        assert said["dir"] == ("rtl" if language == "ar" else "ltr")
        assert {name: words[name] for name in script.SHOWN} == said["words"]


def test_a_page_can_delete_what_is_its_own_and_optional(shop):
    assert facts(boot_of(Client()))["kept"] == {"performance": {"cookie": ["_stats_*"]}}


def test_a_site_without_anything_optional_asks_nobody(shop):
    quiet = SiteFactory(key="quiet")
    CookieFactory(site=quiet)
    publish(quiet)
    assert facts(boot_of(Client(), "site=quiet"))["asks"] == 0
    assert facts(boot_of(Client()))["asks"] == 1


def test_a_new_register_has_a_new_address_and_the_old_one_goes_on(shop):
    before = boot_of(Client())
    CookieFactory(site=shop, name="more", category="functional")
    publish(shop, now=clock.now() + timedelta(days=1))
    after = boot_of(Client())
    assert facts(after)["material"] == facts(before)["material"] + 1
    assert facts(after)["ui"] != facts(before)["ui"]
    old = banner_of(Client(), before)
    assert '"number":1' in text(old)
    assert "immutable" in old["Cache-Control"]
    unknown = banner_of(Client(), after, v=99)  # the newest answers for what nobody knows
    assert '"number":2' in text(unknown)


def test_an_address_of_older_code_gets_the_newest_for_a_short_time(shop):
    answer = Client().get(reverse("cookies:banner", args=["AAAAAAAAAAAAAAAA"]), {"site": "shop", "lang": "nl", "v": 1})
    assert answer.status_code == 200
    assert "immutable" not in answer["Cache-Control"]


def test_the_table_tells_each_entry_in_words(shop):
    table = Client().get(reverse("cookies:table", args=["shop", 1, "en"])).json()
    assert list(table["columns"]) == list(script.COLUMNS)
    assert [row["name"] for row in table["entries"]["necessary"]] == ["cart"]
    (row,) = table["entries"]["performance"]
    assert (row["duration"], row["party"]) == ("13 months", "first-party")
    assert table["entries"]["marketing"][0]["company"]


@pytest.mark.parametrize(
    "path",
    [
        "/consent.js?site=nobody",
        "/consent.js?site=%00",
        "/consent.js?site=" + "x" * 5000,
        "/consent/ui.x.js?site=nobody",
        "/consent/ui.x.js?site=shop&lang=xx",
        "/consent/ui.x.js?site=shop&lang=%00&v=9999999999999999999",
        "/consent/register/shop/1/fr.json",
        "/consent/register/shop/9/en.json",
        "/consent/register/shop/99999999999999999999/en.json",
    ],
)
def test_what_is_not_there_is_not_found_and_runs_nothing(shop, path):
    answer = Client().get(path)
    assert answer.status_code == 404
    assert not answer.cookies
    assert boot_of(Client(), "site=shop&lang=%00").status_code == 200


def test_only_reading_is_answered(shop):
    assert Client().post("/consent.js?site=shop").status_code == 405
    head = Client().head("/consent.js?site=shop")
    assert (head.status_code, head.content) == (200, b"")
