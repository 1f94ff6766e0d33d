"""Migrations run as the owner of the tables; web, worker and tests run as the app role, which owns nothing."""

from typing import Any

import environ
from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> str | None:
        connection = connections[options["database"]]
        if settings.DATABASE_OWNER_URL != settings.DATABASE_URL:
            name = connection.settings_dict["NAME"]  # a test may have pointed the connection at a clone
            owner = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
            connection.close()
            for key in ("USER", "PASSWORD", "HOST", "PORT"):
                connection.settings_dict[key] = owner[key]
            connection.settings_dict["NAME"] = name
        return super().handle(*args, **options)
