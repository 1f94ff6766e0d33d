from datetime import UTC, datetime

import factory

from apps.retention.models import Rule
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
