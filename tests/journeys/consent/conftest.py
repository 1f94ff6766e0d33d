"""One web server for all tests of the banner, under the names of the demo site and of its third parties.

Chromium finds every name below `localhost` on this machine by itself. The folder runs in one process (its marks say
so), each test in a browser profile of its own; nobody signs in, so neither worker nor clock is needed.
"""

import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.conftest import Clone, _clone, _drop, _point_at
from tests.journeys.conftest import Portal, _environment, _free_port, wait_for
from tests.journeys.consent.visitor import Visitor
from tests.template import connect


@dataclass
class World:
    """The running server and its database."""

    portal: Portal
    clone: Clone
    port: int

    def at(self, host: str, path: str = "/demo-site/") -> str:
        return f"http://{host}:{self.port}{path}"

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = connect(self.clone.owner_url)
        try:
            cursor = connection.cursor()
            cursor.execute(statement, values)
            return cursor.fetchall()
        finally:
            connection.close()

    def hits(self) -> dict[str, dict[str, int]]:
        """How often each file of each third party was asked for, as they count."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/demo-site/hits.json", timeout=5) as answer:
            return json.load(answer)

    def events(self, visitor: str) -> list[dict[str, Any]]:
        """What the server holds of one visitor's choices, the oldest first."""
        names = "id, action, method, choices, text, language, register_version, gpc, page, agent, previous, at"
        found = self.rows(
            f"SELECT {names} FROM consent_event WHERE scope = 'site:demo' AND subject_key = %s ORDER BY at, id",
            visitor,
        )
        return [dict(zip(names.split(", "), row, strict=True)) for row in found]

    def register(self) -> dict[str, Any]:
        ((number, material, content, texts),) = self.rows(
            "SELECT number, material_number, content, texts FROM cookies_registerversion"
            " WHERE site_id = 'demo' ORDER BY number DESC LIMIT 1"
        )
        return {"number": number, "material": material, "entries": content["entries"], "texts": texts}


@pytest.fixture(scope="session")
def world(
    template_database: str, static_root: Path, tmp_path_factory: pytest.TempPathFactory, playwright: object
) -> Iterator[World]:
    folder, port = tmp_path_factory.mktemp("consent"), _free_port()
    clone = _clone(f"portal_test_consent_{os.getpid()}")
    environment = _environment(clone, folder, static_root, port) | {
        "BASE_URL": f"http://localhost:{port}",
        "CHOICES_A_MINUTE_PER_NETWORK": "6000",  # all visitors here come from one address
    }
    portal = Portal(environment["BASE_URL"], environment, folder)
    web = ("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--blocking-threads", "4")
    portal.start("web", sys.executable, "-m", "granian", *web, "privacy_portal.wsgi:application")
    try:
        health = f"http://127.0.0.1:{port}/healthz"
        wait_for(lambda: urllib.request.urlopen(health, timeout=2).status == 200, what="the web server")
        yield World(portal, clone, port)
    finally:
        portal.stop()
        _drop(clone)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def visit(world: World, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """`visit(**options)`: somebody who comes for the first time, in a browser profile of their own."""
    visitors: list[Visitor] = []

    def come(**options: Any) -> Visitor:
        visitors.append(Visitor(world, browser, **options))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.context.close()


@pytest.fixture
def office(world: World, django_db_setup: None, django_db_blocker: Any) -> Callable[[], Any]:
    """`with office():` the server's own database, through Django, in this process: what admins do at the register."""

    @contextmanager
    def opened() -> Iterator[None]:
        from django.conf import settings

        before = Clone(settings.DATABASES["default"]["NAME"], settings.DATABASE_URL, settings.DATABASE_OWNER_URL)
        _point_at(world.clone)
        try:
            with django_db_blocker.unblock():
                yield
        finally:
            _point_at(before)

    return opened
