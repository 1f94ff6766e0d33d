"""Real servers for every test: a throw-away PostgreSQL and Valkey, one template database, a clone where tests commit.

`DATABASE_URL`, `DATABASE_OWNER_URL` (needs CREATEDB) and `REDIS_URL`, if set, are used instead.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psycopg2 import sql

if TYPE_CHECKING:
    from django.test import Client

    from apps.accounts.models import User

from tests.template import connect, with_database

TEMPLATE = "portal_test_template"


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process starts the servers before Django reads its settings; xdist workers inherit them."""
    sys.dont_write_bytecode = False  # compiled code: many processes start, each in a third of the time
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if hasattr(config, "workerinput") or os.environ.get("PORTAL_TEST_TEMPLATE"):
        return
    from privacy_portal.translations import compile_translations

    compile_translations()
    if not all(os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")):
        from privacy_portal.embedded import throw_away

        folder = Path(tempfile.mkdtemp(prefix="portal-test-"))
        servers = throw_away(folder)
        os.environ |= {
            "DATABASE_URL": servers.database_url,
            "DATABASE_OWNER_URL": servers.database_owner_url,
            "REDIS_URL": servers.redis_url,
        }
        config.add_cleanup(lambda: (servers.stop(), shutil.rmtree(folder, ignore_errors=True)))
    os.environ["PORTAL_STATE_DIR"] = tempfile.mkdtemp(prefix="portal-test-state-")
    config.add_cleanup(lambda: shutil.rmtree(os.environ["PORTAL_STATE_DIR"], ignore_errors=True))
    os.environ["PORTAL_TEST_TEMPLATE"] = TEMPLATE
    _read_settings()


def _read_settings() -> None:
    """Only now: named in pyproject.toml, pytest-django would have read them before the servers had addresses."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "privacy_portal.settings_test"
    from django.conf import settings

    assert settings.DATABASES  # loads them; pytest-django's own hook sets up the apps after this one


@dataclass(frozen=True)
class Clone:
    """A database of its own, made from the template; what happens in it is committed and seen by other processes."""

    name: str
    app_url: str
    owner_url: str


def _owner_execute(statement: sql.Composable, database: str = "postgres") -> None:
    connection = connect(with_database(os.environ["DATABASE_OWNER_URL"], database))
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()


def _clone(name: str) -> Clone:
    _owner_execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    _owner_execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
            sql.Identifier(name), sql.Identifier(os.environ["PORTAL_TEST_TEMPLATE"])
        )
    )
    return Clone(
        name=name,
        app_url=with_database(os.environ["DATABASE_URL"], name),
        owner_url=with_database(os.environ["DATABASE_OWNER_URL"], name),
    )


def _drop(clone: Clone) -> None:
    _owner_execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(clone.name)))


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Migrated and seeded once per run, whichever xdist worker comes first."""
    from tests.template import build_template

    build_template()
    return os.environ["PORTAL_TEST_TEMPLATE"]


@pytest.fixture(scope="session")
def django_db_setup(template_database: str, django_db_blocker: object) -> Iterator[None]:
    """pytest-django's `db` works on a clone per worker; each test rolls back."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    clone = _clone(f"portal_test_{worker}_{os.getpid()}")
    _point_at(clone)
    yield
    _close_connections()
    _drop(clone)


def _point_at(clone: Clone) -> None:
    from django.conf import settings
    from django.db import connections

    connections["default"].close()
    connections["default"].settings_dict["NAME"] = clone.name
    settings.DATABASES["default"]["NAME"] = clone.name
    settings.DATABASE_URL, settings.DATABASE_OWNER_URL = clone.app_url, clone.owner_url
    settings.STORES = {"platform": clone.app_url}
    _forget_engines()


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()
    _forget_engines()


def _forget_engines() -> None:
    """The data map keeps engines; a test's clone is about to vanish under them."""
    try:
        from apps.datamap.stores import dispose_engines
    except ImportError:
        return
    dispose_engines()


@pytest.fixture
def committed_db(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest, request: pytest.FixtureRequest
) -> Iterator[Clone]:
    """A clone of its own for one test: commits are real, other processes see them. Never beside `db`."""
    from django.conf import settings

    before = Clone(settings.DATABASES["default"]["NAME"], settings.DATABASE_URL, settings.DATABASE_OWNER_URL)
    clone = _clone(f"portal_test_c_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**8}")
    _point_at(clone)
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield clone
        _close_connections()
    _point_at(before)
    _drop(clone)


@pytest.fixture(autouse=True)
def _english() -> None:
    """A page in Arabic leaves its language active in the thread; the next test begins in English all the same."""
    from django.utils import translation

    translation.activate("en")


@pytest.fixture(autouse=True)
def _state_folders(settings: object, tmp_path: Path) -> None:
    """Files of one test never meet those of another."""
    settings.MAIL_DIR = tmp_path / "mail"  # type: ignore[attr-defined]
    settings.PACKAGE_DIR = tmp_path / "packages"  # type: ignore[attr-defined]


@pytest.fixture
def sign_in() -> "Callable[..., User]":
    """`sign_in(client, user, fresh_factor=True)`: signed in, the second factor proved just now, or an hour ago.

    Members of staff get an authenticator app: without one they reach nothing.
    """
    import time

    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    from apps.accounts import policies

    def sign_in(client: "Client", user: "User", fresh_factor: bool = True) -> "User":
        if policies.is_staff_member(user) and not policies.has_factor(user):
            TOTP.activate(user, generate_totp_secret())
        client.force_login(user)
        session = client.session
        kind = "mfa" if policies.has_factor(user) else "contact_code"
        at = time.time() - (0 if fresh_factor else 3600)
        session["account_authentication_methods"] = [{"method": kind, "at": at, "type": Authenticator.Type.TOTP}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
        return user

    return sign_in
