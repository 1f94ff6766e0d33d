"""What is published of a register is a fact, and a change that needs a new choice can't go out as a typo."""

import pytest
from django.db import DatabaseError, transaction

from apps.consent.models import Text
from apps.cookies.models import Cookie, RegisterVersion
from apps.cookies.services import drop_draft, end_entry, preview, publish_register, save_entry
from apps.cookies.snapshots import digest_of
from apps.cookies.states import Reason
from apps.core.clock import now
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.models import Entry
from tests.cookies.factories import CookieFactory, SiteFactory, publish
from tests.processors.factories import ProcessorFactory

pytestmark = pytest.mark.django_db
WORDS = dict.fromkeys(("en", "nl", "ar"), "Counts visits.")


@pytest.fixture
def site():
    return SiteFactory()


@pytest.fixture
def published(site):
    """A register with one entry that is necessary and one that is optional."""
    CookieFactory(site=site, name="session")
    CookieFactory(site=site, name="stats", optional=True, duration="persistent", lifetime="P30D")
    return publish(site)


def content(cookie, **changes):
    known = {name: getattr(cookie, name) for name in Cookie.CONTENT}
    return known | {"changes_meaning": False} | changes


def write(cookie, **changes):
    return save_entry(site=cookie.site_id, content=content(cookie, **changes), line=cookie.line,
                      seen_version=cookie.version, actor="command", now=now())  # fmt: skip


def stats(site):
    return Cookie.objects.of_site(site.key).published().get(name="stats")


def session(site):
    return Cookie.objects.of_site(site.key).published().get(name="session")


def reasons(site):
    return list(preview(site).changes.reasons)


@pytest.mark.req("COO-1")
def test_the_first_version_asks_and_holds_what_is_kept(site, published):
    assert (published.number, published.material_number, published.is_material) == (1, 1, True)
    assert published.reasons == [Reason.FIRST]
    assert [entry["name"] for entry in published.content["entries"]] == ["session", "stats"]
    assert published.digest == digest_of(published.content)
    assert not preview(site).is_any


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_database_refuses_to_change_or_remove_what_was_published(published, verb):
    rows = RegisterVersion.objects.filter(pk=published.pk)
    with pytest.raises(DatabaseError, match="are facts"), transaction.atomic():
        rows.update(number=9) if verb == "update" else rows.delete()


def test_publishing_publishes_the_words_of_the_banner_in_each_language(site, published):
    texts = {text.language: text for text in Text.objects.filter(notice=f"cookies:{site.key}")}
    assert {language: text.digest for language, text in texts.items()} == published.texts
    assert texts["nl"].body["reject"] == "Alles weigeren"
    for text in texts.values():
        assert text.body["controller"] in text.body["text"]
        assert text.body["settings"] in text.body["withdrawal"]
        assert site.hosts[1] in text.body["scope"]


@pytest.mark.parametrize("changes", [
    {"purpose": WORDS | {"en": "Counts the visits."}}, {"refusing": WORDS}, {"lifetime": "P7D"},
    {"duration": "session", "lifetime": ""},
])  # fmt: skip
@pytest.mark.req("COO-3")
def test_an_editorial_change_asks_nobody_again(site, published, changes):
    write(stats(site), **changes)
    assert reasons(site) == []
    version = publish(site)
    assert (version.number, version.material_number, version.is_material) == (2, 1, False)
    assert Text.objects.filter(notice=site.notice).count() == 3


@pytest.mark.parametrize(("changes", "why"), [
    ({"purpose": WORDS | {"en": "Sells visits."}, "changes_meaning": True}, [Reason.MEANING]),
    ({"lifetime": "P31D"}, [Reason.LONGER]),
    ({"lifetime": "P2M"}, [Reason.LONGER]),
    ({"kind": "local_storage", "lifetime": ""}, [Reason.ENTRY, Reason.LONGER]),
    ({"category": "marketing"}, [Reason.CATEGORY, Reason.MOVED]),
    ({"category": "necessary"}, [Reason.MOVED]),
    ({"name": "stats_*"}, [Reason.ENTRY]),
    ({"host": ".example.org"}, [Reason.ENTRY]),
    ({"request_hosts": ["stats.example.net"]}, [Reason.HOST]),
])  # fmt: skip
@pytest.mark.req("COO-3")
def test_a_material_change_asks_everybody_again_and_never_goes_out_as_editorial(site, published, changes, why):
    write(stats(site), **changes)
    seen = preview(site)
    assert set(seen.changes.reasons) == set(why)
    with pytest.raises(DomainError) as refused:
        publish_register(site.key, asks_again=False, seen_digest=seen.digest, actor="command", now=now())
    assert refused.value.code == "material"
    version = publish(site)
    assert (version.number, version.material_number, version.reasons) == (
        2,
        2,
        [reason.value for reason in Reason if reason in why],
    )


def test_a_new_company_a_new_optional_entry_and_a_first_use_of_a_category_are_material(site, published):
    company = ProcessorFactory()
    write(session(site), processor=company)
    assert reasons(site) == [Reason.COMPANY]
    publish(site)
    CookieFactory(site=site, processor=company)
    assert reasons(site) == []
    publish(site)
    CookieFactory(site=site, optional=True, third=True, processor=company)
    assert reasons(site) == [Reason.ENTRY]
    publish(site)
    CookieFactory(site=site, category="functional", third=True)
    assert reasons(site) == [Reason.CATEGORY, Reason.COMPANY, Reason.ENTRY]


def test_a_necessary_entry_added_and_an_entry_gone_are_editorial(site, published):
    CookieFactory(site=site, name="csrf")
    end_entry(stats(site).line, actor="command", now=now())
    assert reasons(site) == []
    version = publish(site)
    assert [entry["name"] for entry in version.content["entries"]] == ["csrf", "session"]
    assert not Cookie.objects.of_site(site.key).current().filter(name="stats").exists()


def test_a_published_entry_is_taken_off_though_a_draft_of_it_was_dropped(site, published):
    write(stats(site), lifetime="P7D")
    drop_draft(stats(site).line, actor="command", now=now())
    end_entry(stats(site).line, actor="command", now=now())
    with pytest.raises(DomainError):
        end_entry(stats(site).line, actor="command", now=now())
    assert [entry["name"] for entry in publish(site).content["entries"]] == ["session"]


def test_one_more_host_is_material(site, published):
    site.hosts = [*site.hosts, "new.example"]
    site.save()
    assert reasons(site) == [Reason.HOST]


def test_an_editorial_change_may_ask_again_if_somebody_wants_that(site, published):
    write(stats(site), lifetime="P7D")
    seen = preview(site)
    version = publish_register(site.key, asks_again=True, seen_digest=seen.digest, actor="command", now=now())
    assert (version.is_material, version.material_number, version.reasons) == (True, 2, [])


def test_what_changed_since_it_was_looked_at_is_not_published(site, published):
    write(stats(site), lifetime="P7D")
    seen = preview(site)
    CookieFactory(site=site)
    with pytest.raises(DomainError) as refused:
        publish_register(site.key, asks_again=True, seen_digest=seen.digest, actor="command", now=now())
    assert refused.value.code == "stale"


def test_nothing_new_is_not_published(site, published):
    with pytest.raises(DomainError) as refused:
        publish_register(site.key, asks_again=True, seen_digest=preview(site).digest, actor="command", now=now())
    assert refused.value.code == "unchanged"


def test_other_words_of_the_banner_alone_are_an_editorial_change(site, published, settings):
    settings.PROVIDER = settings.PROVIDER | {"name": "Another Name B.V."}
    assert preview(site).changes_words
    version = publish(site)
    assert (version.is_material, version.digest) == (False, published.digest)
    assert version.texts != published.texts


def test_words_that_come_back_are_published_as_an_edition_of_their_own(site, published, settings):
    name = settings.PROVIDER["name"]
    for each in ("Another Name B.V.", name, "Another Name B.V."):
        settings.PROVIDER = settings.PROVIDER | {"name": each}
        version = publish(site)
        assert not preview(site).is_any
    assert (version.number, version.material_number) == (4, 1)
    texts = Text.objects.filter(notice=site.notice, language="en").order_by("version")
    assert [(text.body["controller"], text.body.get("edition")) for text in texts] == [
        (name, None), ("Another Name B.V.", None), (name, 3), ("Another Name B.V.", 4),
    ]  # fmt: skip


def test_a_dropped_draft_leaves_what_is_published(site, published):
    draft = write(stats(site), lifetime="P7D")
    drop_draft(draft.line, actor="command", now=now())
    assert not preview(site).is_any
    with pytest.raises(DomainError):
        drop_draft(draft.line, actor="command", now=now())


def test_an_entry_that_never_was_published_goes_at_once(site, published):
    draft = CookieFactory(site=site)
    end_entry(draft.line, actor="command", now=now())
    assert not preview(site).is_any
    with pytest.raises(DomainError):
        end_entry(draft.line, actor="command", now=now())


def test_an_entry_to_be_taken_off_may_stay_after_all(site, published):
    end_entry(stats(site).line, actor="command", now=now())
    with pytest.raises(DomainError):
        end_entry(stats(site).line, actor="command", now=now())
    drop_draft(stats(site).line, actor="command", now=now())
    assert not preview(site).is_any


@pytest.mark.parametrize(("changes", "field"), [
    ({"is_third_party": True}, "processor"), ({"lifetime": "", "duration": "persistent"}, "lifetime"),
    ({"duration": "session", "lifetime": "P7D"}, "lifetime"), ({"name": "session"}, "name"),
])  # fmt: skip
def test_the_register_refuses_what_cannot_be(site, published, changes, field):
    with pytest.raises(InvalidInput) as refused:
        write(stats(site), **changes)
    assert refused.value.field == field


def test_two_writers_do_not_overwrite_one_another(site, published):
    seen = stats(site)
    write(seen, lifetime="P7D")
    with pytest.raises(DomainError) as refused:
        write(seen, lifetime="P8D")
    assert refused.value.code == "stale"


def test_evidence_tells_what_was_published_and_by_whom(site, published):
    entry = Entry.objects.about(site.target).latest("pk")
    assert (entry.verb, entry.facts["number"], entry.facts["digest"]) == (
        "cookies.published_asking",
        1,
        published.digest,
    )
