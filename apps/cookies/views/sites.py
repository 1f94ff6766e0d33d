"""Sites of the register: adding one, and changing what it says. Both with a fresh second factor (T37): a host in the
list may send choices at once (T42)."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.cookies import services
from apps.cookies.forms import SiteForm
from apps.cookies.models import Site
from apps.cookies.views.access import require_writer, site_or_404
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import require_fresh_factor
from apps.core.outcomes import add_refusal


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add(request: HttpRequest) -> HttpResponse:
    """A new site."""
    require_writer(request)
    if request.method == "POST":
        return _save(request, None)
    return _form_page(request, SiteForm(), None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """What a site says."""
    require_writer(request)
    site = site_or_404(request, key)
    if request.method == "POST":
        return _save(request, site)
    return _form_page(request, SiteForm.of(site, seen=services.seen_of(site)), site)


@require_fresh_factor
def _save(request: HttpRequest, site: Site | None) -> HttpResponse:
    form = SiteForm(request.POST, site=site)
    if form.is_valid() and (saved := _try_save(request, form, site)):
        messages.success(request, _("Saved. What visitors are told changes once the register is published."))
        return redirect("cookies:site", saved.key)
    return _form_page(request, form, site)


def _try_save(request: HttpRequest, form: SiteForm, site: Site | None) -> Site | None:
    """What can't be stands beside its field; what was typed stays in the form."""
    key, seen = (site.key, form.cleaned_data["seen"]) if site else (form.cleaned_data["key"], "")
    try:
        return services.save_site(key, form.content, seen=seen, actor=request.user.key, now=clock.now())
    except DomainError as error:
        add_refusal(form, error)
    return None


def _form_page(request: HttpRequest, form: SiteForm, site: Site | None) -> HttpResponse:
    return render(request, "cookies/site_form.html", {"form": form, "site": site})
