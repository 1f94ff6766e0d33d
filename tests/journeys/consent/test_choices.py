"""What is remembered, where, how long, and when one is asked again (B4, B6, B9–B11, B13)."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from playwright.sync_api import expect

from apps.demo.site import ADS, CHAT, DASHBOARD, DEVELOPERS, DOMAIN, MAIN, STATISTICS
from tests.journeys.consent.visitor import NAMES

pytestmark = [pytest.mark.browser, pytest.mark.req("COO-3"), pytest.mark.xdist_group("consent")]
MONTHS = 6


def is_asked(visitor, host=MAIN):
    visitor.goes(host)
    visitor.page.wait_for_function("() => document.readyState == 'complete'")
    visitor.waits(0.4)
    return visitor.banner.is_visible()


def ago(**calendar):
    now = datetime.now(UTC)
    return now - (now - relativedelta(**calendar))


@pytest.mark.req("CON-1", "COO-1")
@pytest.mark.parametrize("yes", [{"performance"}, {"functional", "marketing"}])
def test_what_is_saved_is_exactly_what_was_ticked(visit, yes):
    visitor = visit()
    visitor.goes()
    visitor.decides(*yes)
    assert visitor.choice == yes
    (event,) = visitor.events
    assert event["choices"] == {name: name in yes for name in NAMES}
    assert event["method"] == "preferences"
    visitor.page.reload()
    visitor.opens_preferences()
    for name in NAMES:
        expect(visitor.page.locator(f"portal-consent #{name}")).to_be_checked(checked=name in yes)


@pytest.mark.req("CON-2")
@pytest.mark.parametrize(("host", "page"), [(MAIN, "article"), (MAIN, "shop"), (DASHBOARD, ""), (DEVELOPERS, "")])
def test_from_every_page_a_yes_is_withdrawn_in_as_many_clicks_as_it_took_to_choose(visit, host, page):
    """One to open what is always there, one to refuse; choosing took one to open, one or more to tick, one to save."""
    visitor = visit()
    visitor.remembers(NAMES)
    visitor.goes(host, page)
    address = visitor.page.url
    visitor.page.locator("footer [data-consent-open]").click()
    visitor.presses("reject")
    visitor.until_decided()
    visitor.until(lambda: visitor.choice == set())
    assert visitor.page.url == address
    assert visitor.events[-1]["action"] == "withdrawn"


@pytest.mark.req("COO-4")
def test_one_choice_covers_three_hosts(visit):
    visitor = visit()
    visitor.goes(MAIN)
    visitor.decides("functional")
    for host in (DASHBOARD, DEVELOPERS):
        assert not is_asked(visitor, host)
        assert visitor.page.evaluate("document.documentElement.dataset.consent") == "functional"
    visitor.opens_preferences()
    visitor.presses("reject")
    visitor.until_decided()
    assert not is_asked(visitor, MAIN)
    assert visitor.page.evaluate("portalConsent.get().functional") is False
    (kept,) = [each for each in visitor.context.cookies() if each["name"] == "portal_consent"]
    assert kept["domain"] == f".{DOMAIN}"
    assert kept["sameSite"] == "Lax"
    assert len(f"portal_consent={kept['value']}") <= 400
    assert len(visitor.events) == 2, "both under the same visitor's number"


@pytest.mark.req("CON-4")
def test_the_proof_says_who_saw_which_words_where_and_what_they_said(world, visit):
    visitor = visit(locale="nl-NL")
    page = visitor.goes(DASHBOARD, lang="nl")
    visitor.banner.wait_for()
    shown = visitor.banner.inner_text()
    visitor.presses("accept")
    visitor.until_decided()
    visitor.opens_preferences()
    visitor.presses("reject")
    visitor.until_decided()
    first, second = visitor.events
    register = world.register()
    assert (first["action"], first["method"], second["action"], second["method"]) == (
        *("chosen", "banner"),
        *("withdrawn", "preferences"),
    )
    assert second["previous"] == first["id"]
    assert second["choices"] == dict.fromkeys(NAMES, False)
    assert first["language"] == "nl"
    assert first["text"] == register["texts"]["nl"]
    assert first["register_version"] == register["number"]
    assert first["page"] == page.url.partition("://")[2].partition("?")[0]
    assert first["gpc"] is False
    assert "Chrom" in first["agent"]
    assert not any(sign.isdigit() for sign in first["agent"]), (
        "family and system, no version that would tell browsers apart"
    )
    ((body,),) = world.rows("SELECT body FROM consent_text WHERE digest = %s", first["text"])
    for words in (body["title"], body["text"], body["withdrawal"], body["accept"], body["reject"]):
        assert words in shown
    columns = {name for (name,) in world.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'consent_event'")}  # fmt: skip
    assert not {name for name in columns if "ip" in name.split("_") or "address" in name}


@pytest.mark.parametrize("yes", [set(), set(NAMES)], ids=["a refusal", "a yes"])
def test_six_months_long_nobody_is_asked_again_whatever_they_said(visit, yes):
    visitor = visit()
    visitor.remembers(yes, ago=ago(months=MONTHS) - timedelta(hours=1))
    assert not is_asked(visitor)
    later = visit()
    later.remembers(yes, ago=ago(months=MONTHS) + timedelta(minutes=1))
    assert is_asked(later)
    assert later.page.evaluate("portalConsent.get()") is None
    assert later.strangers() == set(), "an old yes lets nothing run"


@pytest.mark.parametrize("button", ["accept", "reject"])
def test_the_cookie_itself_ends_after_six_months_for_yes_and_no_alike(visit, button):
    visitor = visit()
    visitor.goes()
    visitor.presses(button)
    visitor.until_decided()
    (kept,) = [each for each in visitor.context.cookies() if each["name"] == "portal_consent"]
    ends = datetime.fromtimestamp(kept["expires"], UTC)
    assert abs(ends - (datetime.now(UTC) + relativedelta(months=MONTHS))) < timedelta(minutes=2)


GARBAGE = ("", "1", "1.x.1.111.abc.y.0", "1.AAAAAAAAAAAAAAAAAAAAAA.1.111.zzzzzzzzz.AAAAAAAAAAAAAAAAAAAAAA.0",
           "%00<script>", "1." + "9" * 380, "2.AAAAAAAAAAAAAAAAAAAAAA.1.111.tp6x6d.AaIf9Fssff-xW7PLeAAL2w.0",
           "1.AAAAAAAAAAAAAAAAAAAAAA.1.112.tp6x6d.AaIf9Fssff-xW7PLeAAL2w.0")  # fmt: skip


def test_garbage_in_the_cookie_shows_the_banner_again_and_runs_nothing(visit):
    visitor = visit()
    for garbage in GARBAGE:
        visitor.keeps(garbage)
        assert is_asked(visitor), garbage
        assert visitor.page.evaluate("document.documentElement.dataset.consent") == ""
    assert visitor.strangers() == set()
    visitor.presses("reject")
    visitor.until_decided()
    assert not is_asked(visitor)


def test_an_editorial_change_asks_nobody_again_and_a_material_one_everybody(world, visit, office):
    visitor = visit()
    visitor.goes()
    visitor.presses("accept")
    visitor.until_decided()
    change_register(office, "A typing error less.", means_something_else=False)
    assert not is_asked(fresh(visit, visitor))
    change_register(office, "Now it is sold to others as well.", means_something_else=True)
    again = fresh(visit, visitor)
    assert is_asked(again)
    assert again.strangers() == set(), "the yes to what was said before lets nothing run"
    again.presses("reject")
    again.until_decided()
    assert [event["register_version"] for event in again.events] == [
        world.register()["number"] - 2,
        world.register()["number"],
    ]


def fresh(visit, visitor):
    """The same cookies on another day: the snippet, kept for five minutes, is fetched anew."""
    again = visit()
    again.keeps(visitor.cookie())
    return again


def change_register(office, purpose, *, means_something_else):
    """What an admin does: a new purpose for one entry, published."""
    with office():
        from apps.cookies.models import Cookie, Site
        from apps.cookies.services import preview, publish_register, save_entry
        from apps.core import clock

        entry = Cookie.objects.of_site("demo").published().get(name="ads_click")
        content = {name: getattr(entry, name) for name in Cookie.CONTENT}
        content |= {"purpose": entry.purpose | {"en": purpose}, "changes_meaning": means_something_else}
        told = {"actor": "command", "now": clock.now()}
        save_entry(site="demo", content=content, line=entry.line, seen_version=entry.version, **told)
        seen = preview(Site.objects.get(key="demo"))
        assert seen.changes.is_material is means_something_else
        publish_register("demo", asks_again=seen.changes.is_material, seen_digest=seen.digest, **told)


@pytest.mark.req("COO-5")
def test_the_signal_turns_marketing_off_says_so_and_is_recorded(visit):
    visitor = visit(signals=True)
    page = visitor.goes()
    expect(visitor.banner).to_contain_text("Global Privacy Control")
    visitor.presses("choose")
    expect(page.locator("portal-consent #marketing")).not_to_be_checked()
    visitor.presses("accept")
    visitor.until_decided()
    assert visitor.choice == {"performance", "functional"}
    assert visitor.cookie().endswith(".1")
    (event,) = visitor.events
    assert event["gpc"] is True
    assert event["choices"]["marketing"] is False
    visitor.until(lambda: visitor.strangers() == {STATISTICS, CHAT})
    visitor.waits(0.7)
    assert ADS not in visitor.strangers()


@pytest.mark.req("COO-5")
def test_the_signal_wins_over_a_yes_that_was_given_before(visit):
    visitor = visit(signals=True)
    visitor.remembers(NAMES)
    page = visitor.goes()
    visitor.until(lambda: STATISTICS in visitor.strangers())
    visitor.waits(0.7)
    assert ADS not in visitor.strangers()
    assert page.evaluate("portalConsent.get().marketing") is False


@pytest.mark.req("COO-5")
def test_consent_mode_denies_everything_first_and_then_says_what_was_chosen(visit):
    visitor = visit()
    page = visitor.goes(DASHBOARD)
    visitor.decides("performance")
    said = [dict(each) for each in page.evaluate("dataLayer.map(each => [...each]).map(each => Object.entries(each))")]
    (first, _, denied), *_, (kind, verb, granted) = [tuple(each.values()) for each in said]
    assert (first, kind, verb) == ("consent", "consent", "update")
    off = {*("ad_storage", "ad_user_data", "ad_personalization"), *("functionality_storage", "personalization_storage")}
    assert denied == {**dict.fromkeys(off, "denied"), "analytics_storage": "denied", "security_storage": "granted"}
    assert granted == denied | {"analytics_storage": "granted"}


@pytest.mark.req("COO-5")
def test_each_host_tells_the_world_that_it_obeys_the_signal(world, visit):
    visitor = visit()
    for host in (MAIN, DASHBOARD, DEVELOPERS, "localhost"):
        answer = visitor.page.goto(world.at(host, "/.well-known/gpc.json"))
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("application/json")
        said = json.loads(answer.body())
        assert said["gpc"] is True
        datetime.strptime(said["lastUpdate"], "%Y-%m-%d")
