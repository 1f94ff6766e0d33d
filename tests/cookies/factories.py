from datetime import UTC, datetime

import factory
from factory.django import DjangoModelFactory

from apps.cookies.models import Cookie, Site
from apps.cookies.services import preview, publish_register
from apps.cookies.states import Category, Duration
from apps.core import clock
from tests.processors.factories import ProcessorFactory

LONG_AGO = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class SiteFactory(DjangoModelFactory):
    class Meta:
        model = Site

    key = factory.Sequence(lambda n: f"site-{n}")
    name = factory.LazyAttribute(lambda site: f"Site {site.key}")
    hosts = factory.LazyAttribute(lambda site: [f"www.{site.key}.example", f"shop.{site.key}.example"])
    cookie_domain = factory.LazyAttribute(lambda site: f"{site.key}.example")
    languages = ["en", "nl", "ar"]


class CookieFactory(DjangoModelFactory):
    """A draft of a first-party session cookie that is strictly necessary. Traits: published, optional, third."""

    class Meta:
        model = Cookie

    site = factory.SubFactory(SiteFactory)
    name = factory.Sequence(lambda n: f"cookie_{n:03d}")
    host = "www.example.org"
    duration = Duration.SESSION
    category = Category.NECESSARY
    purpose = factory.LazyFunction(lambda: dict.fromkeys(("en", "nl", "ar"), "Counts visits."))
    refusing = factory.LazyFunction(lambda: dict.fromkeys(("en", "nl", "ar"), "Nothing is counted."))
    drafted_at = LONG_AGO

    class Params:
        published = factory.Trait(published_at=LONG_AGO)
        optional = factory.Trait(category=Category.PERFORMANCE)
        third = factory.Trait(is_third_party=True, processor=factory.SubFactory(ProcessorFactory))


def publish(site, *, now=None):
    """What stands and what is drafted, as the next version of the register, material if it has to be."""
    seen = preview(site)
    return publish_register(
        site.key,
        asks_again=seen.changes.is_material,
        seen_digest=seen.digest,
        actor="command",
        now=now or clock.now(),
    )
