from datetime import UTC, datetime

import factory
from factory.django import DjangoModelFactory

from apps.processors.models import Engagement, Processor
from apps.processors.states import Capacity, Mechanism

LONG_AGO = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class ProcessorFactory(DjangoModelFactory):
    class Meta:
        model = Processor

    name = factory.Sequence(lambda n: f"Company {n:03d}")


class EngagementFactory(DjangoModelFactory):
    """Approved, in the Netherlands. Traits: draft, stated, in_us."""

    class Meta:
        model = Engagement

    processor = factory.SubFactory(ProcessorFactory)
    service = "hosting"
    country = "NL"
    capacity = Capacity.SUB_PROCESSOR
    drafted_at = LONG_AGO
    published_at = LONG_AGO
    approved_at = LONG_AGO

    class Params:
        draft = factory.Trait(published_at=None, approved_at=None)
        stated = factory.Trait(approved_at=None, stated_in=2020)
        in_us = factory.Trait(country="US", mechanism=Mechanism.SCC_2021)
