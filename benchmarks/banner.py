"""What the cookie banner costs a page, beside vanilla-cookieconsent measured in the same run.

Both stand on a page of the demo site's size, on the real web server. Bytes are what Chromium counts of answers on the
wire, brotli bodies without headers, JavaScript and styles together, in one language. vanilla-cookieconsent
(package.json) is served as small: brotli 11 of its own minified files, and no words or categories counted for it.
Requests of a return visit are files asked for beside the snippet, from the browser's cache or not, on a page without a
blocked frame (a frame's placeholder needs the banner's file); of the other one, its script and its styles.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.figures import Figure
from benchmarks.pages import FLAGS, web
from privacy_portal.embedded import Servers

ROOT = Path(__file__).resolve().parent.parent
OTHER = ROOT / "node_modules/vanilla-cookieconsent/dist"
RUNS = 5
SHIFTS = """window.shifted = 0;
new PerformanceObserver(list => list.getEntries().forEach(each => window.shifted += each.value))
  .observe({ type: "layout-shift", buffered: true });
const watch = () => {
  const ours = document.querySelector("portal-consent")?.shadowRoot?.querySelector("#banner");
  const of = ours || document.querySelector("#cc-main .cm");
  if (of && of.getBoundingClientRect().height) window.shownAt = performance.now(); else requestAnimationFrame(watch);
};
watch();"""
OTHER_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title>
<link rel="stylesheet" href="/cookieconsent.css"><body><main><h1>Bicycles that last</h1></main>
<script src="/cookieconsent.umd.js"></script><script src="/start.js"></script></body></html>"""
OTHER_START = """CookieConsent.run({ hideFromBots: false,
  categories: { necessary: { readOnly: true }, performance: {}, functional: {}, marketing: {} },
  language: { default: "en", translations: { en: {
    consentModal: { title: "Cookies are your choice", description: "x", acceptAllBtn: "Accept all",
      acceptNecessaryBtn: "Reject all", showPreferencesBtn: "Choose" },
    preferencesModal: { title: "Cookie settings", acceptAllBtn: "Accept all", acceptNecessaryBtn: "Reject all",
      savePreferencesBtn: "Save", sections: [] } } } } });"""


def measure(servers: Servers) -> Iterator[Figure]:
    """First visit, return visit, movement and time until the banner is seen."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed", verbosity=0)
    ours, theirs = [], []
    with web(servers) as url, _chromium() as browser:
        port = urlsplit(url).port
        for _ in range(RUNS):
            ours.append(_visit_ours(browser, f"http://developers.example.localhost:{port}/demo-site/"))
            theirs.append(_visit_theirs(browser))
    yield Figure("banner_first_visit_bytes", tuple(each["bytes"] for each in ours), "bytes", 8192)
    # the goal is none at all; a limit of 0 has no ratio
    yield Figure("banner_return_requests", tuple(each["again"] for each in ours), "requests", 0.5)
    yield Figure("banner_cls", tuple(each["shift"] for each in ours), "", 0.01)
    yield Figure("banner_seen_ms", tuple(each["seen"] for each in ours), "ms", 1000)
    # what the other one takes is told, not judged
    yield Figure("vanilla_cookieconsent_bytes", tuple(each["bytes"] for each in theirs), "bytes", 1_000_000)
    yield Figure("vanilla_cookieconsent_return_requests", tuple(each["again"] for each in theirs), "requests", 1000)
    yield Figure("vanilla_cookieconsent_cls", tuple(each["shift"] for each in theirs), "", 1000)
    yield Figure("vanilla_cookieconsent_seen_ms", tuple(each["seen"] for each in theirs), "ms", 60_000)


class _chromium:
    def __enter__(self) -> Any:
        from playwright.sync_api import sync_playwright

        self.playwright = sync_playwright().start()
        installed = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        self.browser = self.playwright.chromium.launch(executable_path=installed, args=FLAGS)
        return self.browser

    def __exit__(self, *error: object) -> None:
        self.browser.close()
        self.playwright.stop()


def _visit_ours(browser: Any, url: str) -> dict[str, float]:
    def is_ours(address: str) -> bool:
        return "/consent.js" in address or "/consent/" in address

    return _visit(browser.new_context(), url, is_ours, "portal-consent #banner", "portal-consent #reject", "/consent/")


def _visit_theirs(browser: Any) -> dict[str, float]:
    import brotli

    if not OTHER.is_dir():
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ROOT, check=True, capture_output=True
        )
    files = {"/cookieconsent.css": "text/css", "/cookieconsent.umd.js": "text/javascript"}
    small = {path: len(brotli.compress((OTHER / path[1:]).read_bytes(), quality=11)) for path in files}
    context = browser.new_context()

    def answer(route: Any) -> None:
        path = urlsplit(route.request.url).path
        if path in files:
            route.fulfill(body=(OTHER / path[1:]).read_bytes(), content_type=files[path])
        elif path == "/start.js":
            route.fulfill(body=OTHER_START, content_type="text/javascript")
        else:
            route.fulfill(body=OTHER_PAGE, content_type="text/html")

    context.route("http://other.localhost/**", answer)
    found = _visit(context, "http://other.localhost/", lambda url: urlsplit(url).path in files, "#cc-main .cm",
                   "#cc-main .cm [data-role=necessary]", "/cookieconsent")  # fmt: skip
    return found | {"bytes": float(sum(small.values()))}


def _visit(context: Any, url: str, is_counted: Any, banner: str, reject: str, extra: str) -> dict[str, float]:
    """A first visit until the banner is there, a refusal, and a second visit."""
    context.add_init_script(SHIFTS)
    page = context.new_page()
    answers: list[Any] = []
    page.on("requestfinished", lambda request: answers.append(request) if is_counted(request.url) else None)
    page.goto(url, wait_until="networkidle")
    page.locator(banner).wait_for()
    size = sum(request.sizes()["responseBodySize"] for request in answers)
    found = {"bytes": float(size), "seen": page.evaluate("window.shownAt")}
    page.locator(reject).click()
    page.wait_for_timeout(700)
    found["shift"] = page.evaluate("window.shifted")
    answers.clear()
    page.goto(url, wait_until="networkidle")
    found["again"] = float(sum(urlsplit(request.url).path.startswith(extra) for request in answers))
    context.close()
    return found
