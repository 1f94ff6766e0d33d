"""Reference data of every app, loaded in the order of the ladder. It stands in the top room because it spans apps."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.consent.services.seeding import seed_purposes
from apps.cookies.services import seed_cookies
from apps.core import clock
from apps.core.errors import DomainError
from apps.processors.services import seed_processors
from apps.retention.services import seed_rules

# What is loaded -> the service that loads it: it adds what is missing, leaves what people changed, and returns counts.
SEEDS: dict[str, Callable[..., Any]] = {
    "processors": seed_processors,
    "purposes": seed_purposes,
    "cookies": seed_cookies,
    "retention rules": seed_rules,
}


class Command(BaseCommand):
    help = "Load the reference data of the statement. Safe to run again: it only adds what is missing."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        for name, load in SEEDS.items():
            try:
                counts = asdict(load(now=clock.now(), actor="command"))
            except DomainError as error:
                raise CommandError(f"{name}: {error}") from error
            told = ", ".join(f"{count} {what}" for what, count in counts.items())
            self.stdout.write(f"{name}: {told}")
