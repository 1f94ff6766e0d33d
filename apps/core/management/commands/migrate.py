"""Migrations run as the owner of the tables; web, worker and tests run as the app role, which owns nothing."""

from typing import Any

import environ
from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> str | None:
        connection = connections[options["database"]]
        worker = dict(connection.settings_dict)
        if settings.DATABASE_OWNER_URL != settings.DATABASE_URL:
            name = connection.settings_dict["NAME"]  # a test may have pointed the connection at a clone
            owner = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
            connection.close()
            for key in ("USER", "PASSWORD", "HOST", "PORT"):
                connection.settings_dict[key] = owner[key]
            connection.settings_dict["NAME"] = name
        try:
            return super().handle(*args, **options)
        finally:  # what this process does next, it does as the app role again
            if connection.settings_dict["USER"] != worker["USER"]:
                connection.close()
                connection.settings_dict.update(worker)
