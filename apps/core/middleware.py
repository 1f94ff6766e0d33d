"""Two rules that hold for every page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


class CleanInputMiddleware:
    """Refuses NUL bytes and lone surrogates before they reach PostgreSQL, which can't store them (T33)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self._is_unstorable(request):
            return HttpResponseBadRequest(render(request, "400.html").content)
        return self.get_response(request)

    @staticmethod
    def _is_unstorable(request: HttpRequest) -> bool:
        texts = [request.path, *(value for _, values in request.GET.lists() for value in values), *request.GET.keys()]
        if request.method == "POST" and request.content_type in (
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ):
            texts += [*(value for _, values in request.POST.lists() for value in values), *request.POST.keys()]
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
