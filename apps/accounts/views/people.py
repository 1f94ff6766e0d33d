"""The provider's staff: administrators give and take roles."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policies, services
from apps.accounts.forms import GrantRoleForm
from apps.accounts.models import User
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import require_fresh_factor
from apps.core.pages import Page, keyset_page


def _staff(request: HttpRequest) -> Page:
    people = User.objects.visible_to(request.user).staff().for_list()
    page = keyset_page(people, order=("full_name", "pk"), cursor=request.GET.get("cursor"))
    for person in page.rows:
        person.may_change = policies.can_change_roles_of(request.user, person)
    return page


@require_safe
@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with a staff role."""
    if not policies.can_see_people(request.user):
        raise PermissionDenied
    form = GrantRoleForm() if policies.can_manage_people(request.user) else None
    return render(request, "accounts/people.html", {"page": _staff(request), "form": form})


@require_POST
@require_fresh_factor
def grant(request: HttpRequest) -> HttpResponse:
    """Give a staff role to somebody who signs in here."""
    if not policies.can_manage_people(request.user):
        raise PermissionDenied
    form = GrantRoleForm(request.POST)
    person = User.objects.active().filter(email=form.cleaned_data["email"]).first() if form.is_valid() else None
    if form.is_valid() and person is None:
        form.add_error("email", _("Nobody with this address signs in here. Ask them to sign up first."))
    if person is None:
        return render(request, "accounts/people.html", {"page": _staff(request), "form": form})
    return _change(request, services.grant_role, person, form.cleaned_data["role"], _("The role was given."))


@require_POST
@require_fresh_factor
def revoke(request: HttpRequest, pk: str) -> HttpResponse:
    """Take a staff role."""
    person = _person(request, pk)
    return _change(request, services.revoke_role, person, request.POST.get("role", ""), _("The role was taken."))


@require_POST
@require_fresh_factor
def access(request: HttpRequest, pk: str) -> HttpResponse:
    """End a person's access to the portal, or give it back."""
    person = _person(request, pk)
    verb = services.disable_user if request.POST.get("access") == "end" else services.enable_user
    verb(person, actor=request.user.key, now=clock.now())
    messages.success(request, _("The person’s access was changed."))
    return redirect("people")


def _person(request: HttpRequest, pk: str) -> User:
    if not policies.can_manage_people(request.user):
        raise PermissionDenied
    person = get_object_or_404(User.objects.visible_to(request.user).staff(), pk=pk)
    if not policies.can_change_roles_of(request.user, person):
        raise PermissionDenied
    return person


def _change(request: HttpRequest, verb, person: User, role: str, done: str) -> HttpResponse:
    try:
        verb(user=person, role=role, actor=request.user.key, now=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect("people")
