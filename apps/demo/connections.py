"""Plain connections to the sample platform: it is a store of its own, even where it shares the portal's server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import environ
import psycopg2
from django.conf import settings
from psycopg2.extensions import connection

from apps.demo import schema

_PARTS = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


@contextmanager
def connect(url: str) -> Iterator[connection]:
    """One transaction: committed at the end, rolled back by an error, closed in either case."""
    parts = environ.Env.db_url_config(url)
    opened = psycopg2.connect(**{name: parts[key] for name, key in _PARTS.items() if parts.get(key)})
    try:
        with opened:
            yield opened
    finally:
        opened.close()


@contextmanager
def connect_platform() -> Iterator[connection]:
    """As the role that the data map uses too."""
    with connect(settings.STORES["platform"]) as opened:
        yield opened


def ensure_schema() -> None:
    """The schema belongs to the platform's role; only the database's owner may make it."""
    url = settings.STORES["platform"]
    with connect_platform() as opened, opened.cursor() as cursor:
        cursor.execute("SELECT current_user, to_regnamespace(%s) IS NOT NULL", [schema.SCHEMA])
        role, is_there = cursor.fetchone()
    if not is_there:
        owner = settings.DATABASE_OWNER_URL if url == settings.DATABASE_URL else url
        with connect(owner) as opened, opened.cursor() as cursor:
            schema.create_schema(cursor, owned_by=role)
