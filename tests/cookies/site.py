"""A made-up company's site in a real browser, with nothing behind it: every request is answered here, those to the
portal by its own views. So a test says what a page holds, and sees what the browser asked for."""

import contextvars
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client

PORTAL, SITE, SISTER = "https://privacy.portal.example", "https://www.shop.example", "https://my.shop.example"
STRANGER = "https://stats.stranger.example"
SNIPPET = f'<script src="{PORTAL}/consent.js?site=shop" nonce="n0nce"></script>'
STRICT = (
    f"default-src 'none'; script-src 'nonce-n0nce'; style-src 'nonce-n0nce'; connect-src {PORTAL}; img-src {STRANGER}; "
    f"frame-src {STRANGER}; base-uri 'none'; require-trusted-types-for 'script'; trusted-types portal-consent"
)
TAGS = f"""
<script type="text/plain" data-consent="performance" nonce="n0nce" src="{STRANGER}/stats.js"></script>
<script type="text/plain" data-consent="performance" nonce="n0nce">ran("inline after " + window.stats);</script>
<script type="text/plain" data-consent="marketing" nonce="n0nce">
  ran("marketing"); document.cookie = "_ad=1; path=/; max-age=9999; domain=shop.example";
</script>
<script type="text/plain" data-consent="performance">ran("without a nonce");</script>
<iframe data-consent="functional" data-src="{STRANGER}/film" width="320" height="180" title="Film"></iframe>
<img data-consent="marketing" data-src="{STRANGER}/pixel.gif" width="1" height="1" alt="">
"""
COVER = '<style nonce="n0nce">p { position: relative; z-index: 9; height: 150vh; margin: 0 }</style>'
BODY = COVER + '<h1>Shop</h1><p>Things.</p><a href="/cookies/" data-consent-open>Cookie settings</a>'
HEAD = '<script nonce="n0nce">window.log = []; function ran(what) { log.push(what); }</script>'


class Visit:
    """One browser profile on the site. `sent`: what reached the ingest, `hits`: what the stranger was asked for."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self.shown: list[str] = []
        self.hits: Counter[str] = Counter()
        self.asked: list[str] = []
        self.troubles: list[str] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []  # of the ingest, each once; then 201
        self.handover: dict[str, Any] = {}  # what the portal says of a token, to the tab that asked for one
        self.states: list[str] = []  # those that asked
        self.tokens: list[str] = []  # those that came back
        self.is_down = False
        self.pages = {"/": HEAD + SNIPPET + TAGS + BODY}
        self.language, self.policy = "en", STRICT
        self._test = contextvars.copy_context()  # answers are given elsewhere, and need the test's own transaction
        signal = options.pop("gpc", False)
        self.context = browser.new_context(**options)
        if signal:
            self.context.add_init_script(
                "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
            )
        self.context.route("**/*", self._answer)

    def open(self, path: str = "/", *, on: str = SITE) -> Any:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.goto(on + path)
        return page

    def cookie(self) -> str:
        return next((row["value"] for row in self.cookies() if row["name"] == "portal_consent"), "")

    def cookies(self) -> list[dict[str, Any]]:
        return self.context.cookies([SITE, SISTER])

    def _answer(self, route: Any) -> None:
        url = urlsplit(route.request.url)
        self.asked.append(route.request.url)
        host = f"{url.scheme}://{url.netloc}"
        if host == PORTAL:
            self._portal(route, url)
        elif host == STRANGER:
            self._stranger(route, url.path)
        elif url.path in self.pages:
            page = f'<!doctype html><html lang="{self.language}"><title>Shop</title>{self.pages[url.path]}</html>'
            headers = {"Content-Security-Policy": self.policy} if self.policy else {}
            route.fulfill(status=200, content_type="text/html; charset=utf-8", headers=headers, body=page)
        else:
            route.fulfill(status=404, body="")

    def _portal(self, route: Any, url: Any) -> None:
        allowed = {"Access-Control-Allow-Origin": "*"}
        if url.path == "/cookies/continue/":
            query = parse_qs(url.query)
            self.states += query["state"]
            route.fulfill(status=302, headers={"Location": f"{query['to'][0]}#portal-consent=to:ken"})
        elif route.request.method == "GET":
            response = self._test.run(Client().get, f"{url.path}?{url.query}")
            route.fulfill(status=response.status_code, headers=dict(response.items()), body=response.content)
        elif self.is_down:
            route.abort()
        else:
            said = json.loads(route.request.post_data)
            if url.path.endswith("/handover"):
                self.tokens.append(said["token"])
                known = self.handover and said["token"] == "to:ken" and said.get("state") in self.states
                return route.fulfill(status=200 if known else 422, headers=allowed, body=json.dumps(self.handover))
            if "shown" in said:
                self.shown.append(said["shown"])
                return route.fulfill(status=204, headers=allowed)
            self.sent.append(said)
            status, body = self.answers.pop(0) if self.answers else (201, {"id": said.get("id")})
            route.fulfill(status=status, headers=allowed, content_type="application/json", body=json.dumps(body))
        return None

    def _stranger(self, route: Any, path: str) -> None:
        self.hits[path] += 1
        kinds = {"js": ("text/javascript", "window.stats = 'stats'; ran('external');"), "gif": ("image/gif", "")}
        kind, body = kinds.get(re.sub(r".*\.", "", path), ("text/html", "<p>Film</p>"))
        route.fulfill(status=200, content_type=kind, body=body)
