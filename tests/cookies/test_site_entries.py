"""What the banner itself keeps stands in the register of every site, where it lies and for how long."""

import pytest

from apps.cookies.models import Cookie
from apps.cookies.services import drop_draft, end_entry, preview, save_entry
from apps.cookies.states import Reason
from apps.core.clock import now
from tests.cookies.factories import publish
from tests.cookies.test_sites import add, save

pytestmark = [pytest.mark.django_db, pytest.mark.req("COO-1")]


def listed(site):
    """(name, lifetime, host) of what the register would name if it were published now."""
    return {(entry["name"], entry["lifetime"], entry["host"]) for entry in preview(site).content["entries"]}


def test_the_register_of_a_new_site_names_what_the_banner_itself_keeps():
    hosts = ["www.fair.example", "tickets.fair.example", "fair.example.net"]
    site = add("fair", hosts=hosts, cookie_domain="fair.example", validity_months=9)
    kept = ("portal_consent", "P9M"), ("portal-consent-queue", "")
    expected = {(*one, host) for one in kept for host in (".fair.example", "fair.example.net")}
    assert listed(site) == expected
    publish(site)
    site = save(site, validity_months=3, hosts=[*hosts, "fair.example.org"])
    assert {one for one in listed(site) if one[0] == "portal_consent"} == {
        ("portal_consent", "P3M", host) for host in (".fair.example", "fair.example.net", "fair.example.org")
    }


def test_what_people_wrote_of_the_banners_own_cookie_stays_but_for_how_long_it_lasts():
    site = publish(add("fair", hosts=["www.fair.example"])).site
    cookie = Cookie.objects.of_site("fair").get(name="portal_consent")
    written = {name: getattr(cookie, name) for name in Cookie.CONTENT} | {"purpose": {"en": "Ours."}}
    save_entry(site="fair", content=written, line=cookie.line, seen_version=1, actor="command", now=now())
    publish(save(site, validity_months=3))
    published = Cookie.objects.of_line(cookie.line).published().get()
    assert (published.lifetime, published.purpose) == ("P3M", {"en": "Ours."})


@pytest.mark.req("COO-3")
def test_a_change_of_meaning_that_was_drafted_asks_again_whatever_becomes_of_the_site_meanwhile():
    site = publish(add("fair", hosts=["www.fair.example"])).site
    cookie = Cookie.objects.of_site("fair").get(kind="cookie")
    written = {name: getattr(cookie, name) for name in Cookie.CONTENT}
    written |= {"purpose": {"en": "Means something else."}, "changes_meaning": True}
    save_entry(site="fair", content=written, line=cookie.line, seen_version=1, actor="command", now=now())
    assert preview(save(site, validity_months=3)).changes.reasons == (Reason.MEANING,)


@pytest.mark.req("COO-3")
def test_a_longer_time_is_told_and_asks_again_though_somebody_dropped_a_draft_before():
    site = publish(add("fair", hosts=["www.fair.example"])).site
    cookie = Cookie.objects.of_site("fair").get(kind="cookie")
    written = {name: getattr(cookie, name) for name in Cookie.CONTENT} | {"purpose": {"en": "Ours."}}
    save_entry(site="fair", content=written, line=cookie.line, seen_version=1, actor="command", now=now())
    drop_draft(cookie.line, actor="command", now=now())
    site = save(site, validity_months=12)
    assert ("portal_consent", "P12M", "www.fair.example") in listed(site)
    assert preview(site).changes.reasons == (Reason.LONGER,)


@pytest.mark.parametrize(("name", "changes", "left"), [
    ("portal_consent", {"duration": "session", "lifetime": ""}, ("portal_consent", "P3M", "www.fair.example")),
    ("portal-consent-queue", {"lifetime": "P1D"}, ("portal-consent-queue", "P1D", "www.fair.example")),
])  # fmt: skip
def test_whatever_people_write_of_what_the_banner_keeps_the_site_can_still_be_changed(name, changes, left):
    site = add("fair", hosts=["www.fair.example"])
    entry = Cookie.objects.of_site("fair").get(name=name)
    written = {name: getattr(entry, name) for name in Cookie.CONTENT} | changes
    save_entry(site="fair", content=written, line=entry.line, seen_version=1, actor="command", now=now())
    assert left in listed(save(site, validity_months=3))


def test_what_the_banner_kept_where_it_no_longer_is_goes_off_the_register():
    site = add("fair", hosts=["www.fair.example", "fair.example.net"], cookie_domain="fair.example")
    site = save(site, cookie_domain="")
    assert {host for *_rest, host in listed(site)} == {"www.fair.example", "fair.example.net"}
    publish(site)
    site = save(site, hosts=["www.fair.example"])
    assert {host for *_rest, host in listed(site)} == {"www.fair.example"}


@pytest.mark.parametrize("when", ["before it was published", "since", "and published that"])
def test_what_people_took_off_the_register_does_not_come_back_with_a_change_of_the_site(when):
    site = add("fair", hosts=["www.fair.example"])
    if when != "before it was published":
        publish(site)
    for cookie in Cookie.objects.of_site("fair"):
        end_entry(cookie.line, actor="command", now=now())
    if when == "and published that":
        publish(site)
    assert listed(save(site, validity_months=3)) == set()
