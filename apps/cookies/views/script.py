"""The banner's files, for pages of any site: public, the same for everybody, kept by every cache."""

import re

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from apps.cookies import script
from apps.core.http import plain

SHORT = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=86400"
FOREVER = "public, max-age=31536000, immutable"
FOR_ALL = {
    "Access-Control-Allow-Origin": "*",  # modules are asked for with CORS; no cookie is sent along
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}
REFUSED = re.compile(r"q=0(\.0{0,3})?")


@plain
@require_safe
def boot(request: HttpRequest) -> HttpResponseBase:
    """The script of the snippet: `?site=` the key of a site, `?lang=` a language other than the page's."""
    edition = script.Edition.of(request.GET.get("site", "main"))
    if edition is None:
        return _no_such_site()
    return _answer(request, script.boot(edition, request.GET.get("lang", "")), "text/javascript", SHORT)


@plain
@require_safe
def banner(request: HttpRequest, tag: str) -> HttpResponseBase:
    """The module that the boot script loads. Under an old tag the newest comes, and is soon asked for again."""
    site, language = request.GET.get("site", "main"), request.GET.get("lang", "en")
    for number in (request.GET.get("v", ""), ""):
        edition = script.Edition.of(site, number)
        made = script.banner(edition, language) if edition and language in edition.languages else None
        if made and made.tag == tag:
            return _answer(request, made, "text/javascript", FOREVER)
    return _answer(request, made, "text/javascript", SHORT) if made else _no_such_site()


@plain
@require_safe
def table(request: HttpRequest, site: str, number: int, language: str) -> HttpResponseBase:
    """The entries of one published register, in words."""
    edition = script.Edition.of(site, str(number))
    if edition is None or edition.number != number or language not in edition.languages:
        return _no_such_site()
    return _answer(request, script.table(edition, language), "application/json", FOREVER)


def _answer(request: HttpRequest, made: script.Made, kind: str, keep: str) -> HttpResponseBase:
    encoding = _encoding(request.headers.get("Accept-Encoding", ""))
    headers = FOR_ALL | {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    headers["ETag"] = f'"{made.tag}-{encoding}"' if encoding else f'"{made.tag}"'
    response = HttpResponse(made.encoded.get(encoding, made.body), f"{kind}; charset=utf-8", headers=headers)
    response["Content-Length"] = str(len(response.content))
    if encoding:
        response["Content-Encoding"] = encoding
    answer = get_conditional_response(request, etag=headers["ETag"], response=response) or response
    for name, value in FOR_ALL.items():
        answer[name] = value  # a 304 too is read with CORS
    return answer


def _encoding(accepted: str) -> str:
    """The best content encoding of those that the browser takes, "" for none."""
    taken = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";")
        taken[name] = not REFUSED.fullmatch(weight)
    return next((name for name in ("br", "gzip") if taken.get(name)), "")


def _no_such_site() -> HttpResponse:
    """Nothing runs: what waits for consent goes on waiting."""
    headers = FOR_ALL | {"Cache-Control": "public, max-age=60"}
    return HttpResponse("/* no such site, register or language */", "text/javascript", 404, headers=headers)
