"""What pages of every app share: the provider's facts, the form renderer, the fresh second factor, files."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.forms.renderers import TemplatesSetting
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import Resolver404, resolve, reverse
from django.utils.datastructures import MultiValueDict
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from apps.core import clock, crypto

FRESH_FOR = timedelta(minutes=5)  # T37
PROOFS = ("mfa", "contact_code")  # a second factor, or where a customer has none the code sent to a contact point
SUSPENDED = "suspended_posts"  # in the session: path -> what was posted, sealed
SUSPENDED_AT_MOST = 5


def provider(request: HttpRequest) -> dict[str, Any]:
    """Template variables of every page."""
    return {"provider": settings.PROVIDER, "is_demo": settings.DEMO}


class PortalFormRenderer(TemplatesSetting):
    """Every form field of the portal is drawn by one component."""

    field_template_name = "components/field.html"


def has_fresh_factor(request: HttpRequest) -> bool:
    """Whether this session proved a second factor in the last five minutes; signing in with one counts."""
    now = clock.now().timestamp()
    records = get_authentication_records(request, request.user)
    # A clock set back must not keep a proof fresh: one from the future counts for nothing, save for a second's skew.
    return any(row["method"] in PROOFS and -1 <= now - row["at"] < FRESH_FOR.total_seconds() for row in records)


def require_access(*, may_read: bool, may_write: bool = True) -> None:
    """404 for whoever may not even read: for them there is no such place. 403 for whoever reads and may not write."""
    if not may_read:
        raise Http404
    if not may_write:
        raise PermissionDenied


def require_fresh_factor(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let the view run only with a fresh second factor; else ask for one and come back.

    What was posted is kept sealed in the session and goes on after the step-up, so nothing typed is lost.
    """

    @wraps(view)
    @login_required
    def stepped_up(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if has_fresh_factor(request):
            return view(request, *args, **kwargs)
        _suspend(request)
        url = f"{reverse('account_step_up')}?{urlencode({'next': request.get_full_path()})}"
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)

    stepped_up.requires_fresh_factor = True  # type: ignore[attr-defined]
    return stepped_up


def exports_with_fresh_factor(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A list that staff may also take away as a file (`?format=csv`): that asks for a fresh factor (T37)."""
    with_factor = require_fresh_factor(view)

    @wraps(view)
    def shown_or_taken(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        takes = request.GET.get("format") == "csv"
        return (with_factor if takes else view)(request, *args, **kwargs)

    return shown_or_taken


def reads_through_forms(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """All that is posted here goes through form fields, which refuse what PostgreSQL can't store beside the field."""
    view.reads_through_forms = True  # type: ignore[attr-defined]
    return view


def plain(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For what other sites and servers ask: runs before sessions, languages and CSRF (`PlainViewsMiddleware`). Such a
    view answers errors itself, never by raising; its path stands below `PLAIN_PATHS`."""
    view.is_plain = True  # type: ignore[attr-defined]
    return view


def swap_parts(request: HttpRequest, *, when: bool = True) -> None:
    """Say of this page that htmx fetches parts of it again, where it has such a part now.

    `base.html` then loads htmx, and `SwappedPartsMiddleware` allows the one policy that htmx works through.
    """
    request.swaps_parts = when  # type: ignore[attr-defined]


def part_of_a_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For what htmx fetches: whoever is not signed in any more gets the whole page again, not a form inside it."""

    @wraps(view)
    def signed_in(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return HttpResponse(status=401, headers={"HX-Refresh": "true"})
        return view(request, *args, **kwargs)

    return signed_in


def file_response(content: str, *, kind: str, name: str) -> HttpResponse:
    """Something to keep rather than to look at: the browser saves it under this name."""
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def safe_next(request: HttpRequest, default: str = "/") -> str:
    """The page to come back to: `next` where it is one of ours, else `default`."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    ours = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if ours else default


def _suspend(request: HttpRequest) -> None:
    if request.method != "POST":
        return
    kept = request.session.get(SUSPENDED, {})
    sealed = crypto.seal(json.dumps(request.POST.urlencode()), bound_to=f"suspended:{request.user.pk}")
    kept[request.get_full_path()] = base64.b64encode(sealed).decode()
    request.session[SUSPENDED] = dict(list(kept.items())[-SUSPENDED_AT_MOST:])


def resume(request: HttpRequest, url: str) -> HttpResponse:
    """Go on where the step-up began: with what was posted there, or by going back to the page.

    To be called from a POST that passed its own CSRF check; the suspended POST passed its own before it was kept.
    """
    kept = request.session.get(SUSPENDED, {})
    sealed = kept.pop(url, None)
    request.session[SUSPENDED] = kept
    path, _, query = url.partition("?")
    try:
        match = resolve(path)
        posted = json.loads(crypto.unseal(base64.b64decode(sealed or ""), bound_to=f"suspended:{request.user.pk}"))
    except (Resolver404, crypto.Unreadable):
        return HttpResponseRedirect(url)
    request.method = "POST"
    request.path = request.path_info = path
    request.META |= {"PATH_INFO": path, "QUERY_STRING": query}
    request.GET, request.POST, request._files = QueryDict(query), QueryDict(posted), MultiValueDict()  # type: ignore[attr-defined]
    request.resolver_match = match
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response
