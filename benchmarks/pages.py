"""What a page weighs on a first and on a return visit, and how long the desk takes for two hundred requests.

Weights are what Chromium counts on the wire, headers included, from the real web server with its compressed files;
the heaviest of the pages stands for all. The desk's time is the server's alone: middleware, queries, template.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from privacy_portal.embedded import Servers
from privacy_portal.embedded.servers import connect

ROOT = Path(__file__).resolve().parent.parent
RUNS = 25
REQUESTS = 200
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
OFFICER, CUSTOMER = "officer1@portal.example", "privacy@acme.example"
LANGUAGES = ("en", "ar")


def measure(servers: Servers) -> Iterator[Figure]:
    """The desk's time and its queries, then the weights, in the languages of both directions of writing."""
    import django

    django.setup()
    references = prepare()
    analyse(servers)
    times, queries = desk()
    yield Figure("desk_page_200_ms", times, "ms", 60)
    yield Figure("desk_page_200_queries", queries, "queries", 14)
    with web(servers) as url:
        first, back = weigh(url, references[0])
    yield Figure("page_first_visit_bytes", (first,), "bytes", 130_000)
    yield Figure("page_return_visit_bytes", (back,), "bytes", 15_000)


def prepare() -> list[str]:
    """Sample people and two hundred open requests, half of them assigned."""
    from django.core.management import call_command

    from apps.accounts.models import CustomerAccount, User
    from apps.core import clock
    from apps.core.identities import parse_identity
    from apps.demo.sign_ins import create_sign_ins
    from apps.subject_requests import services

    call_command("migrate", verbosity=0)
    now = clock.now()
    create_sign_ins(now=now - timedelta(days=90))
    by, officer = User.objects.get(email=CUSTOMER), User.objects.get(email=OFFICER)
    account = CustomerAccount.objects.get(memberships__user=by)
    made = []
    for number in range(REQUESTS):
        person = parse_identity("phone_number", f"+3161{number:07d}")
        filing: dict[str, Any] = {"form_key": f"bench-{number}", "identities": [person], "authority_stated": True}
        filing |= {"right": "access" if number % 3 else "erasure", "about": "end_user", "account": account}
        filed = services.open_request(**filing, filed_by=by, now=now - timedelta(hours=3 * number))
        made.append(services.assign_request(filed, to=officer, by=officer, now=now) if number % 2 else filed)
    return [each.reference for each in made]


def analyse(servers: Servers) -> None:
    """What autovacuum does in the background, done at once; only the owner of the tables may."""
    owner = connect(servers, "portal")
    owner.autocommit = True
    owner.cursor().execute("ANALYZE")
    owner.close()


def signed_in(email: str) -> Any:
    """A test client whose session proved its second factor."""
    from django.test import Client

    from apps.accounts.models import User

    client, user = Client(headers={"host": "localhost"}), User.objects.get(email=email)
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time(), "type": "totp"}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def desk() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Milliseconds for the list of two hundred, after one to warm up; and its queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client, times = signed_in(OFFICER), []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        page = client.get("/desk/?size=200")
        times.append(1000 * (time.perf_counter() - began))
        assert page.content.count(b"<tr data-row") == REQUESTS
    with CaptureQueriesContext(connection) as queries:
        client.get("/desk/?size=200")
    return tuple(times[1:]), (float(len(queries)),)


@contextmanager
def web(servers: Servers) -> Iterator[str]:
    """The web server as `make run` starts it, with files collected and compressed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "privacy_portal.settings",
        "SECRET_KEY": "only-for-tests",
        "BASE_URL": url,
        "STATIC_ROOT": str(servers.home / "static"),
    }
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(collect, cwd=ROOT, env=environment, check=True)
    command = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([sys.executable, *command, "privacy_portal.wsgi:application"], cwd=ROOT, env=environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=2)  # noqa: S310
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def weigh(url: str, reference: str) -> tuple[float, float]:
    """Bytes of the heaviest page on a first visit, and of the heaviest when one comes back to it."""
    from playwright.sync_api import sync_playwright

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright's loop runs in this thread; Django signs in beside it
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    places = [("", "/"), ("", "/account/login/"), (CUSTOMER, "/requests/home/"), (CUSTOMER, "/requests/"),
              (OFFICER, "/desk/?size=200"), (OFFICER, "/desk/?as=board"), (OFFICER, f"/desk/{reference}/")]  # fmt: skip
    firsts, backs = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for language in LANGUAGES:
            for who, path in places:
                first, back = visit_twice(browser, url, who, path, language)
                firsts.append(first)
                backs.append(back)
        browser.close()
    return max(firsts), max(backs)


def visit_twice(browser: Any, url: str, who: str, path: str, language: str) -> tuple[float, float]:
    """Bytes on the wire of one page for a browser that never saw the portal, and of the same page again."""
    from django.conf import settings

    context = browser.new_context()
    cookies = {settings.LANGUAGE_COOKIE_NAME: language}
    if who:
        cookies["sessionid"] = signed_in(who).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    page = context.new_page()
    wire = context.new_cdp_session(page)
    received: list[float] = []
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    weights = []
    for _ in range(2):
        received.clear()
        answer = page.goto(url + path, wait_until="networkidle")
        assert answer.status == 200 and page.url == url + path, (page.url, answer.status)  # noqa: PT018
        weights.append(sum(received))
    context.close()
    return weights[0], weights[1]
