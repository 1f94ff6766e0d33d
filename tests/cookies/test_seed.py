"""What a fresh installation says of its own cookies, and what the sample site says of its."""

import pytest
from django.conf import settings
from django.core.management import call_command

from apps.consent.models import Text
from apps.cookies.models import Cookie, RegisterVersion, Site
from apps.cookies.services import preview, seed_cookies
from apps.cookies.states import LANGUAGES, Kind
from apps.core.clock import now
from apps.ledger.models import Entry

pytestmark = pytest.mark.django_db


@pytest.mark.req("COO-1", "COO-4")
def test_the_sites_of_the_statement_and_the_portal_share_one_register():
    site = Site.objects.get(key="main")
    assert site.hosts == ["dashboard.messagebird.com", "developers.messagebird.com", "messagebird.com", "localhost"]
    assert (site.cookie_domain, site.validity_months, site.is_sample) == ("messagebird.com", 6, False)


@pytest.mark.req("COO-1")
def test_the_portal_names_what_it_really_sets():
    content = RegisterVersion.objects.current().get(site="main").content
    names = {entry["name"] for entry in content["entries"]}
    assert names == {
        *(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME),
        *("device", "messages", "theme", "desk_keys", "portal_consent", "portal-consent-queue", "portal-consent-state"),
    }
    assert {entry["category"] for entry in content["entries"]} == {"necessary"}
    lifetimes = {entry["name"]: entry["lifetime"] for entry in content["entries"]}
    assert lifetimes[settings.SESSION_COOKIE_NAME] == "PT8H"
    assert settings.SESSION_COOKIE_AGE == 8 * 3600
    assert lifetimes[settings.CSRF_COOKIE_NAME] == "P52W"
    assert settings.CSRF_COOKIE_AGE == 52 * 7 * 86400
    assert lifetimes[settings.LANGUAGE_COOKIE_NAME] == ""
    assert settings.LANGUAGE_COOKIE_AGE is None


@pytest.mark.req("COO-1")
def test_the_sample_site_has_all_kinds_marked_as_sample():
    entries = RegisterVersion.objects.current().get(site="demo").content["entries"]
    assert all(entry["is_sample"] for entry in entries)
    assert {entry["category"] for entry in entries} == {"necessary", "performance", "functional", "marketing"}
    assert {entry["kind"] for entry in entries} == {Kind.COOKIE, Kind.LOCAL_STORAGE, Kind.INDEXED_DB}
    assert all(entry["company"] for entry in entries if entry["party"] == "third")
    hosts = {host for entry in entries for host in entry["request_hosts"]}
    assert hosts == {"stats.localhost", "chat.localhost", "ads.localhost"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_and_every_word_of_the_banner_is_there_in_each_language(language):
    for version in RegisterVersion.objects.current():
        for entry in version.content["entries"]:
            assert entry["purpose"][language]
            assert entry["refusing"][language]
        text = Text.objects.get(digest=version.texts[language])
        assert (text.notice, text.language) == (f"cookies:{version.site_id}", language)
        assert "MessageBird B.V." in text.body["text"]
        assert "{controller}" not in str(text.body)


def test_seeding_again_changes_nothing():
    before = (list(RegisterVersion.objects.values()), Cookie.objects.count(), Entry.objects.count())
    assert seed_cookies(now=now()).added == 0
    assert (list(RegisterVersion.objects.values()), Cookie.objects.count(), Entry.objects.count()) == before


def test_without_the_demo_there_is_no_sample():
    assert seed_cookies(now=now(), samples=False).unchanged == Cookie.objects.filter(is_sample=False).count()


def test_the_portals_new_host_is_added_and_its_cookies_are_published_with_it(settings):
    settings.BASE_URL, settings.SESSION_COOKIE_NAME = "https://privacy.messagebird.com", "__Host-session"
    call_command("seed")
    site = Site.objects.get(key="main")
    assert site.hosts[-1] == "privacy.messagebird.com"
    version = RegisterVersion.objects.current().get(site=site)
    assert (version.number, version.is_material) == (2, True)
    assert "__Host-session" in {entry["name"] for entry in version.content["entries"]}


def test_what_somebody_is_writing_is_not_published_by_seeding(settings):
    Cookie.objects.of_site("main").filter(name="theme").update(published_at=None)
    settings.BASE_URL = "https://privacy.messagebird.com"
    seed_cookies(now=now())
    assert RegisterVersion.objects.of_site("main").count() == 1
    assert preview(Site.objects.get(key="main")).is_any
