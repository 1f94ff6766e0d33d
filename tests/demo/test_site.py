"""The demo site of the cookie banner: three hosts, three third parties, and only where DEMO is on."""

import importlib

import pytest
from django.urls import NoReverseMatch, clear_url_caches, reverse

from apps.demo import site
from privacy_portal import urls

pytestmark = pytest.mark.req("COO-4")


def at(client, host, path="/demo-site/", **headers):
    return client.get(path, headers={"host": f"{host}:8000", **headers})


@pytest.mark.parametrize(("host", "heading"), [
    (site.MAIN, "Bicycles that last"), (site.DASHBOARD, "My orders"), (site.DEVELOPERS, "For developers"),
])  # fmt: skip
def test_each_host_has_a_front_of_its_own_with_the_snippet_first(client, host, heading):
    page = at(client, host).content.decode()
    assert f"<h1>{heading}</h1>" in page
    assert page.index("<script src=") == page.index("<script") < page.index("<link")
    assert f"/consent.js?site={site.KEY}&amp;lang=en" in page
    assert "data-consent-open" in page


@pytest.mark.parametrize("path", ["", "article/", "shop/", "seen/"])
def test_scripts_run_by_nonce_alone_and_no_tag_of_a_stranger_is_loaded_by_the_page(client, path):
    response = at(client, site.MAIN, f"/demo-site/{path}")
    said, page = response["Content-Security-Policy"], response.content.decode()
    nonce = said.partition("'nonce-")[2].partition("'")[0]
    assert f"script-src 'nonce-{nonce}';" in said
    assert "unsafe" not in said
    assert said.endswith("require-trusted-types-for 'script'; trusted-types portal-consent")
    assert page.count("<script") == page.count(f'nonce="{nonce}"') - 1  # the style sheet has one as well
    assert f' src="http://{site.ADS}' not in page.replace('<script type="text/plain" data-consent="marketing" src=', "")


def test_pages_speak_the_language_of_the_address_or_of_the_browser(client):
    assert b'lang="ar" dir="rtl"' in at(client, site.MAIN, "/demo-site/?lang=ar").content
    assert b'lang="nl" dir="ltr"' in at(client, site.MAIN, **{"accept-language": "nl"}).content
    assert b'lang="en" dir="ltr"' in at(client, site.MAIN, "/demo-site/?lang=xx").content


def test_by_another_name_one_is_sent_to_the_first_host(client):
    assert at(client, "localhost", "/demo-site/shop/?lang=nl").url == f"http://{site.MAIN}:8000/demo-site/shop/?lang=nl"
    assert at(client, site.MAIN, "/demo-site/nothing/").status_code == 404


def test_a_third_party_counts_and_sets_its_cookie_under_its_own_name_alone(client):
    before = site.HITS.totals()[site.ADS]
    response = at(client, site.ADS, "/demo-site/tags/pixel.gif")
    assert response["Content-Type"] == "image/gif"
    assert response.cookies["ads_id"]["samesite"] == "None"
    assert at(client, site.MAIN, "/demo-site/tags/pixel.gif").status_code == 404
    assert site.HITS.totals()[site.ADS] == before + 1
    assert at(client, site.MAIN, "/demo-site/hits.json").json()[site.ADS]["pixel.gif"] == before + 1


def test_the_shop_needs_one_cookie_and_the_other_pages_none(client):
    assert set(at(client, site.MAIN, "/demo-site/shop/").cookies) == {site.CART}
    assert not client.get("/demo-site/", headers={"host": site.MAIN}).cookies.keys() - {site.CART}


def test_the_privacy_centre_leads_there_only_where_the_demo_is_on(client, settings):
    assert b'href="/demo-site/"' in client.get("/").content
    settings.DEMO = False
    try:
        importlib.reload(urls)
        clear_url_caches()
        with pytest.raises(NoReverseMatch):
            reverse("demo:home")
        assert b"/demo-site/" not in client.get("/").content
        assert client.get("/demo-site/").status_code == 404
    finally:
        settings.DEMO = True
        importlib.reload(urls)
        clear_url_caches()
