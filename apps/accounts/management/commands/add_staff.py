"""The first administrator, made from the command line; the others get their roles from an administrator."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.accounts import services
from apps.accounts.models import User
from apps.accounts.states import Role
from apps.core import clock
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Give a staff role to a person; registers them if needed. They set their password by resetting it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", required=True, choices=Role.values)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        try:
            person = User.objects.filter(email=options["email"].lower()).first() or services.create_user(
                email=options["email"], full_name=options["name"], actor="command", now=now
            )
            services.grant_role(user=person, role=options["role"], actor="command", now=now)
        except DomainError as error:
            raise CommandError(error.message) from error
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"1 role given: {options['role']}")
