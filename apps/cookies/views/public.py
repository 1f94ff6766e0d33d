"""The page of cookies: what is kept, and a choice without any script (COO-1 to COO-3)."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.cookies import handover, notices, words
from apps.cookies.agents import coarse
from apps.cookies.choice import Choice, counting, is_signalled, sent
from apps.cookies.forms import ChoiceForm
from apps.cookies.keeping import keep
from apps.cookies.models import RegisterVersion
from apps.cookies.services import Circumstances, make_choice
from apps.core import clock
from apps.core.fast_path import Buckets, Call, network_of

SITE = "main"
GPC_SINCE = "2026-11-28"  # since when the portal obeys Global Privacy Control (B14)
A_MINUTE = 30
by_network = Buckets(a_second=A_MINUTE / 60, burst=A_MINUTE)  # choices recorded for one network (T42)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What our sites keep in a browser, and the choice about it."""
    version = _register(request)
    if version is None:
        return render(request, "cookies/page.html")
    if request.method == "POST":
        return _choose(request, version)
    return render(request, "cookies/page.html", _context(request, version, now=clock.now()))


def _register(request: HttpRequest) -> RegisterVersion | None:
    """Of the site that this host belongs to, else of the portal's own sites."""
    host = urlsplit(f"//{request.get_host()}").hostname
    found = RegisterVersion.objects.current().select_related("site")
    found = found.filter(Q(site__hosts__contains=[host]) | Q(site=SITE))
    return min(found, key=lambda version: (host not in version.site.hosts, version.site_id != SITE), default=None)


def _context(request: HttpRequest, version: RegisterVersion, *, now: datetime) -> dict[str, Any]:
    language, gpc = _language(version), is_signalled(request)
    choice = counting(sent(request), version, now=now)
    shown = notices.shown(version, language)
    choice = choice.obeying(gpc) if choice else None
    return {
        "words": shown.body,
        "text": shown.digest,
        "gpc": gpc,
        "groups": words.groups(version, shown.body, language, choice),
        "choice": choice,
        "allowed": words.chosen(choice, shown.body) if choice else [],
        "until": choice.until(version.validity_months) if choice else None,
        "version": version,
    }


def _language(version: RegisterVersion) -> str:
    language = get_language() or ""
    return language if language in version.texts else version.languages[0]


def _choose(request: HttpRequest, version: RegisterVersion) -> HttpResponse:
    """Record the choice, let the browser keep it, and delete what it says no to."""
    if not by_network.take(network_of(Call(request.META))):
        return render(request, "429.html", status=429)
    form = ChoiceForm(request.POST)
    language = form.language(version) if form.is_valid() else None
    if language is None:
        messages.error(request, _("This page changed while you read it. Nothing was recorded: please choose again."))
        return redirect("cookies:page")
    choice = _record(request, form, version, language)
    messages.success(request, notices.shown(version, language).body["saved"])
    response = redirect("cookies:page")
    keep(request, response, version, choice)
    return response


def _record(request: HttpRequest, form: ChoiceForm, version: RegisterVersion, language: str) -> Choice:
    seen = Circumstances(
        language=language,
        page=f"{request.get_host()}{request.path}",
        agent=coarse(request.headers.get("User-Agent", "")[:400]),
        gpc=is_signalled(request),
        user_id=request.user.pk,
    )
    earlier = next(iter(sent(request)), None)
    withdraws = form.cleaned_data["action"] == "withdraw"
    return make_choice(site=version.site, version=version, answers=form.answers, withdraws=withdraws,
                       earlier=earlier, seen=seen, now=clock.now())  # fmt: skip


@require_safe
@never_cache
def hand_over(request: HttpRequest) -> HttpResponse:
    """On to a site of ours on another domain (COO-4): with the choice in the address's fragment where a page there asks
    for it with its `state`, else with the hint that there is one."""
    version = RegisterVersion.objects.current().select_related("site").filter(site=SITE).first()
    url = handover.target(version.site, request.GET.get("to", "")) if version else None
    state = request.GET.get("state")
    if version is None or url is None or not (state is None or handover.STATE.fullmatch(state)):
        raise Http404
    choice = counting(sent(request), version, now=clock.now())
    if choice is None:
        return redirect(url)
    obeyed = choice.obeying(is_signalled(request))
    said = handover.mint(version.site, obeyed, url=url, state=state) if state else handover.hint(choice)
    return redirect(f"{url}#{handover.FRAGMENT}={said}")


@require_safe
@cache_control(public=True, max_age=86400)
def gpc(request: HttpRequest) -> JsonResponse:
    """`/.well-known/gpc.json`: this host obeys Global Privacy Control (B14)."""
    return JsonResponse({"gpc": True, "lastUpdate": GPC_SINCE})
