"""The database that every test's database is a copy of: migrated, seeded, with a tiny sample platform."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection

ROOT = Path(__file__).resolve().parent.parent
FILL = """
import django, io
from django.core.management import call_command
django.setup()
call_command("migrate", verbosity=0)
call_command("seed", stdout=io.StringIO())
call_command("demo", scale="tiny", platform_only=True, stdout=io.StringIO())
"""


def with_database(url: str, name: str) -> str:
    """The same server and role, another database; `//socket/folder/db` and `//host/db` alike."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rpartition("/")[0] + "/" + name))


def connect(url: str) -> connection:
    """A plain autocommit connection."""
    settings = environ.Env.db_url_config(url)
    arguments = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    opened = psycopg2.connect(**{name: settings[key] for name, key in arguments.items() if settings[key]})
    opened.autocommit = True
    return opened


def build_template() -> None:
    """Build it once per server, whoever comes first; the others wait at the lock and find it done."""
    owner = os.environ["DATABASE_OWNER_URL"]
    name = os.environ["PORTAL_TEST_TEMPLATE"]
    lock = Path(tempfile.gettempdir()) / f"portal-template-{os.getuid()}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        opened = connect(with_database(owner, "postgres"))
        cursor = opened.cursor()
        cursor.execute("SELECT datistemplate FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() != (True,):
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            _fill(name)
            cursor.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(name)))
        opened.close()


def _fill(name: str) -> None:
    """In a process of its own, so that no connection stays open on the template."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "privacy_portal.settings_test",
        "DEMO": "1",
        "DATABASE_URL": with_database(os.environ["DATABASE_URL"], name),
        "DATABASE_OWNER_URL": with_database(os.environ["DATABASE_OWNER_URL"], name),
    }
    subprocess.run([sys.executable, "-c", FILL], cwd=ROOT, env=environment, check=True)
