"""The newsletter, preferences and data from other sources: on pages that need no sign-in, and in the account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.consent import links
from apps.consent.forms.subscriptions import NewsletterForm, PreferencesForm
from apps.consent.presentation import preferences as shown
from apps.consent.presentation.answers import words
from apps.consent.services import enrichment
from apps.consent.services import subscriptions as services
from apps.consent.services.answers import read_text
from apps.consent.states import MARKETING, Method
from apps.consent.views.acting import language_of, manner
from apps.core import clock, limits
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms
from apps.core.identities import Identity, IdentityType

ASKED_AN_HOUR = 30  # from one address on the internet


@dataclass(frozen=True)
class Whom:
    """Whose preferences are open: what they proved to hold, and where the page's forms lead."""

    identities: tuple[Identity, ...]
    preferences_url: str
    enrichment_url: str


def _opened_by_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for whoever holds a link that we sent. A spent link says so, and offers a new one."""

    @never_cache
    @wraps(view)
    def opened(request: HttpRequest, token: str) -> HttpResponse:
        try:
            return view(request, token)
        except links.Spent:
            return render(request, "consent/newsletter_spent.html", status=410)

    return opened


def _takes_slot(request: HttpRequest, form: NewsletterForm | PreferencesForm) -> bool:
    ip = get_adapter().get_client_ip(request)
    if limits.take(f"consent.asked:{ip}", slots=ASKED_AN_HOUR, seconds=3600):
        return True
    form.add_error(None, _("You asked very often. Try again in an hour."))
    return False


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
def newsletter(request: HttpRequest) -> HttpResponse:
    """Ask for the newsletter; the answer is the same for every address."""
    text = words(services.NEWSLETTER)
    form = NewsletterForm(request.POST or None, text=text.digest)
    if form.is_valid() and _takes_slot(request, form) and _asked(request, form):
        return render(request, "consent/newsletter_sent.html")
    return render(request, "consent/newsletter.html", {"form": form, "text": text})


def _asked(request: HttpRequest, form: NewsletterForm) -> bool:
    asked = {"identity": form.identity, "text": form.cleaned_data["text"], "language": language_of(request)}
    try:
        services.ask_for_newsletter(**asked, now=clock.now())
    except DomainError as error:
        form.refuse(error)
    return form.is_valid()


@require_http_methods(["GET", "HEAD", "POST"])
@_opened_by_link
def newsletter_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A button: programs that look through mail open every link, and must confirm nothing."""
    asked = links.read_confirm_token(token, now=clock.now())
    if request.method == "POST" and _confirmed(request, asked):
        messages.success(request, _("Your address is confirmed. You get the newsletter from now on."))
        return redirect("consent:preferences", links.preferences_token(asked.identity, now=clock.now()))
    text = read_text(services.NEWSLETTER, asked.text)  # the words that the proof will name
    return render(request, "consent/newsletter_confirm.html", {"text": text})


def _confirmed(request: HttpRequest, asked: links.Asked) -> bool:
    said = {"language": language_of(request), "manner": manner(request, Method.LINK)}
    try:
        services.confirm_subscription(asked=asked, **said, now=clock.now())
    except links.Spent:
        raise
    except DomainError as error:
        messages.error(request, error.message)
        return False
    return True


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@_opened_by_link
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """RFC 8058: a POST ends it, without cookies, sign-in or question. A GET changes nothing and shows a button.

    The signed link stands in for the CSRF token: whoever does not have it can't forge the request.
    """
    purpose, subject_key = links.read_unsubscribe_token(token)
    if request.method != "POST":
        return render(request, "consent/newsletter_unsubscribe.html", {"text": words(purpose), "is_done": False})
    is_program = request.POST.get("List-Unsubscribe") == "One-Click"
    said = {
        "language": language_of(request),
        "manner": manner(request, Method.ONE_CLICK if is_program else Method.LINK),
    }
    services.stop_marketing(subject_key=subject_key, purpose=purpose, **said, now=clock.now())
    return render(request, "consent/newsletter_unsubscribe.html", {"text": words(purpose), "is_done": True})


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
def preferences_ask(request: HttpRequest) -> HttpResponse:
    """Ask for the link to one's preferences; the answer is the same for every address."""
    form = PreferencesForm(request.POST or None)
    if form.is_valid() and _takes_slot(request, form):
        services.ask_for_preferences(identity=form.identity, language=language_of(request), now=clock.now())
        return render(request, "consent/preferences_sent.html")
    return render(request, "consent/preferences_ask.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@_opened_by_link
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """What is on for an address, for whoever has its link."""
    return _preferences(request, _by_link(token))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def own_preferences(request: HttpRequest) -> HttpResponse:
    """What is on for the address of the person who is signed in."""
    return _preferences(request, _signed_in(request))


@require_http_methods(["GET", "HEAD", "POST"])
@_opened_by_link
def enrichment_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Data from other sources, for whoever has the link of an address."""
    return _enrichment(request, _by_link(token))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def own_enrichment(request: HttpRequest) -> HttpResponse:
    """Data from other sources about the person who is signed in."""
    return _enrichment(request, _signed_in(request))


def _by_link(token: str) -> Whom:
    found = links.read_preferences_token(token, now=clock.now())
    urls = (reverse(f"consent:{name}", args=[token]) for name in ("preferences", "enrichment"))
    return Whom((found,), *urls)


def _signed_in(request: HttpRequest) -> Whom:
    """The e-mail address is proved by signing in; the phone number where a code confirmed it."""
    user = request.user
    found = [Identity(IdentityType.EMAIL, user.email)]
    if user.phone_verified_at:
        found.append(Identity(IdentityType.PHONE_NUMBER, user.phone_number))
    return Whom(tuple(found), reverse("consent:own_preferences"), reverse("consent:own_enrichment"))


def _preferences(request: HttpRequest, whom: Whom) -> HttpResponse:
    if request.method == "POST":
        _switch(request, whom)
        return redirect(whom.preferences_url)
    context = shown.page(whom.identities[0], now=clock.now()) | {"whom": whom}
    return render(request, "consent/preferences.html", context)


def _switch(request: HttpRequest, whom: Whom) -> None:
    """One click a purpose: `on` or `off` names it. What is there already changes nothing."""
    said = {"language": language_of(request), "manner": manner(request, Method.PREFERENCES), "now": clock.now()}
    on, off = request.POST.get("on", ""), request.POST.get("off", "")
    try:
        if off == MARKETING:
            enrichment.stop_all_marketing(identities=whom.identities, **said)
        elif off in (services.NEWSLETTER, services.PRODUCTS):
            services.stop_marketing(subject_key=services.subject_key(whom.identities[0]), purpose=off, **said)
        elif on == services.NEWSLETTER:
            services.subscribe(identities=whom.identities, text=request.POST.get("text", ""), **said)
        elif on == services.PRODUCTS:
            services.allow_products(identities=whom.identities, **said)
        messages.success(request, _("Noted. It holds from now on."))
    except DomainError as error:
        messages.error(request, error.message)


def _enrichment(request: HttpRequest, whom: Whom) -> HttpResponse:
    if request.method == "POST":
        said = {"language": language_of(request), "manner": manner(request, Method.PREFERENCES), "now": clock.now()}
        if request.POST.get("on"):
            enrichment.allow_enrichment(identities=whom.identities, **said)
            messages.success(request, _("Your objection is taken back."))
        else:
            enrichment.object_to_enrichment(identities=whom.identities, **said)
            messages.success(request, _("Your objection is noted. The data is being deleted."))
        return redirect(whom.enrichment_url)
    context = shown.about_enrichment(whom.identities[0]) | {"whom": whom}
    return render(request, "consent/enrichment.html", context)
