"""`manage.py scan_cookies`: the portal's own pages and the demo site pass, and what nobody told of is found (COO-1)."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from apps.demo.site import MAIN
from tests.journeys.conftest import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.req("COO-1", "COO-2"), pytest.mark.xdist_group("consent")]
OUR_OWN = ("/", "/cookies/", "/newsletter/", "/account/login/")  # one of each kind: three visits to each take time
PLANTED = b"""<!doctype html><title>x</title><script>
  document.cookie = 'planted=1'; document.cookie = 'ads_profile=1; domain=example.localhost';
  localStorage.setItem('planted_too', '1'); new Image().src = 'http://spy.localhost:' + location.port + '/pixel';
</script>"""


def scan(world, *arguments):
    command = [sys.executable, "manage.py", "scan_cookies", "--wait", "0.5", *arguments]
    return subprocess.run(command, cwd=ROOT, env=world.portal.environment, capture_output=True, text=True)


def test_the_portal_s_own_public_pages_and_the_demo_site_pass(world, browser):
    pages = [world.at("localhost", path) for path in OUR_OWN]
    done = scan(world, *pages, world.at(MAIN), world.at(MAIN, "/demo-site/shop/"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything is in the register" in done.stdout


class Planted(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PLANTED if self.path == "/" else b"")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def planted():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Planted)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{MAIN}:{server.server_port}/"
    server.shutdown()


def test_what_the_register_does_not_know_and_what_comes_too_early_is_found(world, browser, planted):
    done = scan(world, planted, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)["findings"]
    seen = {(each["state"], each["kind"], each["name"] or each["host"], each["problem"]) for each in found}
    always = {("cookie", "planted"), ("local_storage", "planted_too"), ("host", "spy.localhost")}
    expected = {(state, *each, "unknown") for state in ("nothing chosen", "none", "all") for each in always}
    expected |= {(state, "cookie", "ads_profile", "early") for state in ("nothing chosen", "none")}
    assert seen == expected


@pytest.mark.parametrize(
    ("address", "code", "reason"),
    [
        ("http://elsewhere.example/", 1, "No site with a published register has the host 'elsewhere.example'."),
        (f"http://{MAIN}:1/", 1, "can't be opened"),
        ("elsewhere", 2, "is no address"),
    ],
)
def test_what_can_not_be_scanned_is_said_in_one_line(world, browser, address, code, reason):
    done = scan(world, address)
    assert done.returncode == code
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
