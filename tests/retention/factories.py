from datetime import UTC, datetime

import factory

from apps.retention.models import Rule, RuleChange
from apps.retention.periods import Event
from apps.retention.states import Action, Basis, Capacity


class RuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Rule

    key = factory.Sequence(lambda n: f"rule_{n}")
    data_family = "account"
    description = "name, e-mail"
    period = "P6M"
    max_period = factory.SelfAttribute("period")
    starts_at = Event.CREATED
    action = Action.DELETE
    is_limit = True
    legal_basis = Basis.CONTRACT
    capacity = Capacity.CONTROLLER
    source = "ours"
    in_force_at = datetime(2026, 1, 1, tzinfo=UTC)

    class Params:
        duty = factory.Trait(is_duty=True, legal_basis=Basis.LEGAL_OBLIGATION, citation="AWR 52")
        interest = factory.Trait(is_interest=True, legal_basis=Basis.LEGITIMATE_INTEREST, why="prevent misuse")


class RuleChangeFactory(factory.django.DjangoModelFactory):
    """A shorter period for the recordings of support calls, proposed by the command and not decided."""

    class Meta:
        model = RuleChange

    key = "support_recordings"
    base_version = factory.LazyAttribute(lambda made: Rule.objects.current().get(key=made.key).version)
    content = factory.LazyAttribute(lambda made: Rule.objects.current().get(key=made.key).content | {"period": "P30D"})
    deletes_more = True
    proposed_by = "command"
    proposed_at = datetime(2026, 6, 1, 9, tzinfo=UTC)
    preview = factory.LazyFunction(
        lambda: {
            "day": "2026-06-01",
            "reasons": ["shorter", "more_rows"],
            "down": [],
            "collections": [
                {"store": "platform", "collection": "platform:support_recordings", "action": "delete", "columns": [],
                 "total": 400, "before": 12, "after": 112, "oldest": "2025-11-30", "bytes": 1_234_567}
            ],
            "accounts": [{"account": "10000001", "more": 60, "fewer": 0}],
            "others": {"more": 40, "fewer": 0},
            "months": [{"month": f"2026-0{n}-01", "swept": 30, "swept_days": -60, "live": 50 * n, "live_days": -60}
                       for n in range(1, 7)],
            "older": 3,
        }
    )  # fmt: skip
