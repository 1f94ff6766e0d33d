"""Rules that hold for every page."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers

from apps.core import fast_path


class PlainViewsMiddleware:
    """Runs views that are marked `core.http.plain` at once: no session, language, CSRF token or account is looked at.

    So any cache may keep the answer, no cookie is set, and it costs little. Only below `PLAIN_PATHS`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(settings.PLAIN_PATHS):
            return self.get_response(request)
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return self.get_response(request)
        if not getattr(match.func, "is_plain", False):
            return self.get_response(request)
        request.resolver_match = match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response


class FastPathMiddleware:
    """Answers what is on the fast path (`core.fast_path`) before any other middleware, where no dispatcher did before.

    Nothing there reads or sets a cookie: these addresses know nobody by a session (T42).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = fast_path.views().get(request.path_info)
        if view is None:
            return self.get_response(request)
        return fast_path.as_response(view(fast_path.Call(request.META)))


class CleanInputMiddleware:
    """Refuses NUL bytes and lone surrogates before they reach PostgreSQL, which can't store them (T33)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        lists = [values for _name, values in request.GET.lists()]
        if _is_unstorable([request.path, *request.GET, *itertools.chain(*lists)]):
            return self._refused(request)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """A view that reads all it is sent through forms says no beside the field, where nothing typed is lost."""
        if request.method != "POST" or getattr(view, "reads_through_forms", False):
            return None
        lists = [values for _name, values in request.POST.lists()]
        return self._refused(request) if _is_unstorable([*request.POST, *itertools.chain(*lists)]) else None

    @staticmethod
    def _refused(request: HttpRequest) -> HttpResponse:
        return HttpResponseBadRequest(render(request, "400.html").content)


def _is_unstorable(texts: Iterable[str]) -> bool:
    return any("\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text) for text in texts)


class PrivatePagesMiddleware:
    """A signed-in person's pages are kept by no cache (ASVS v5.0.0-14.3.2); pages that htmx asks for in part say so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ("HX-Request",))
        if request.user.is_authenticated and "Cache-Control" not in response:
            response["Cache-Control"] = "no-store"
        return response


class SwappedPartsMiddleware:
    """Where htmx swaps parts, the content policy allows the one Trusted Types policy that looks through them (T40)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "swaps_parts", False):
            # as django-csp's own decorators say it
            response._csp_replace = {"trusted-types": ["default"]}  # type: ignore[attr-defined]
        return response


class CompressedPagesMiddleware(GZipMiddleware):
    """Pages travel compressed; files do not, as packages are compressed already and are spent by their last byte (T21).

    Django masks its CSRF tokens anew for each page and pads what it compresses, so that lengths tell nothing (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = response.get("Content-Type", "").startswith("text/html") and not response.streaming
        return super().process_response(request, response) if is_page else response
