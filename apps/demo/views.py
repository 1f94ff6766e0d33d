"""The demo site's pages, and the strangers whose tags it carries. Only where DEMO is on (privacy_portal/urls.py)."""

import secrets

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.crypto import get_random_string
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from apps.demo import site


@require_safe
def page(request: HttpRequest, name: str = "home") -> HttpResponse:
    """A page of the sample company, on each of its hosts; whoever comes by another name is sent to the first."""
    here = site.host_of(request)
    if name not in site.PAGES:
        raise Http404
    if here not in site.OWN:
        return redirect(site.address(request, site.MAIN, name))
    nonce = secrets.token_urlsafe(16)
    template = site.FRONTS[here] if name == "home" else name
    with site.language_of(request) as language:
        text = render_to_string(f"demo/{template}.html", site.context(request, name, language, nonce))
    response = HttpResponse(text, headers={"Content-Security-Policy": site.policy(request, nonce)})
    if name == "shop":
        basket = request.COOKIES.get(site.CART) or get_random_string(12)
        response.set_cookie(site.CART, basket, domain=site.DOMAIN, samesite="Lax")
    return response


@require_safe
@xframe_options_exempt
def stranger(request: HttpRequest, name: str) -> HttpResponse:
    """What third parties answer: counted, with a cookie that identifies the browser."""
    host = site.host_of(request)
    answer = site.STRANGERS.get(host, {}).get(name)
    if not answer:
        raise Http404
    site.HITS.count(host, name)
    body = render_to_string(answer.template, {"here": site.origin(request, host)}) if answer.template else site.PICTURE
    response = HttpResponse(body, content_type=answer.kind, headers={"Cache-Control": "no-store"})
    response["Content-Security-Policy"] = "default-src 'none'"
    known = request.COOKIES.get(answer.cookie) or get_random_string(16)
    response.set_cookie(answer.cookie, known, max_age=365 * 86400, samesite="None", secure=True)
    return response


@require_safe
def hits(request: HttpRequest) -> JsonResponse:
    """How often each stranger's file was asked for since this process started."""
    return JsonResponse(site.HITS.by_file())
