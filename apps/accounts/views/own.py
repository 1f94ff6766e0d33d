"""A person's own data and settings, and the language of the pages."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from apps.accounts import policies, services
from apps.accounts.forms import DetailsForm
from apps.accounts.models import Invitation
from apps.accounts.states import Language
from apps.core import clock
from apps.core.outcomes import tell_outcome


@require_http_methods(["GET", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Everybody sees and changes their own data (ACC-5)."""
    user = request.user
    form = DetailsForm(request.POST or None, initial={"full_name": user.full_name, "language": user.language})
    if form.is_valid():
        services.change_details(user, **form.cleaned_data, actor=user.key, now=clock.now())
        with translation.override(user.language):
            messages.success(request, _("Your details were saved."))
        return redirect("account_settings")
    invitations = Invitation.objects.addressed_to(user).open(now=clock.now()).for_list()
    context = {"form": form, "memberships": policies.memberships_of(user), "invitations": invitations}
    return render(request, "accounts/settings.html", context | {"has_factor": policies.has_factor(user)})


@require_POST
def switch_language(request: HttpRequest) -> HttpResponse:
    """The language switch: a cookie for everybody, and remembered for whoever is signed in."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and language in Language.values:
        services.change_language(request.user, language=language, actor=request.user.key, now=clock.now())
    return set_language(request)


@require_POST
@login_required
def accept(request: HttpRequest, pk: str) -> HttpResponse:
    """Join the account one was invited to."""
    invitation = get_object_or_404(Invitation.objects.visible_to(request.user).addressed_to(request.user), pk=pk)
    with tell_outcome(request, done=_("You joined the account.")):
        services.accept_invitation(invitation, user=request.user, now=clock.now())
    return redirect("account_settings")
