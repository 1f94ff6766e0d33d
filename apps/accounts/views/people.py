"""The provider's staff: administrators give and take roles."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import policies, services
from apps.accounts.forms import GrantRoleForm, StaffFilterForm
from apps.accounts.models import User, UserQuerySet
from apps.core import clock
from apps.core.http import exports_with_fresh_factor, require_fresh_factor
from apps.core.outcomes import tell_outcome
from apps.core.questions import Question, ask
from apps.core.tables import Column, Empty, Listing, csv_response

COLUMNS = (
    Column("name", gettext_lazy("Name"), ("by_name", "pk")),
    Column("email", gettext_lazy("E-mail address"), ("email", "pk")),
    Column("roles", gettext_lazy("Roles")),
    Column("access", gettext_lazy("Access")),
)


@require_safe
@login_required
@exports_with_fresh_factor
def people(request: HttpRequest) -> HttpResponseBase:
    """Everybody with a staff role."""
    if not policies.can_see_people(request.user):
        raise PermissionDenied
    if request.GET.get("format") == "csv":
        return _file(request)
    return _page(request, GrantRoleForm() if policies.can_manage_people(request.user) else None)


def _page(request: HttpRequest, form: GrantRoleForm | None) -> HttpResponse:
    filters, listing, staff = _staff(request)
    page = listing.page(staff)
    for person in page.rows:
        person.may_change = policies.can_change_roles_of(request.user, person)
    empty = Empty(_("Nothing here"), _("Nobody has this role."), reverse("people"), _("Show everything"))
    rows = "accounts/people_rows.html"
    table = listing.table(page, page.rows, caption=_("Members of staff"), rows_template=rows, empty=empty)
    clear_url = reverse("people") if filters.chosen() else ""
    return render(
        request, "accounts/people.html", {"table": table, "filters": filters, "clear_url": clear_url, "form": form}
    )


def _file(request: HttpRequest) -> HttpResponseBase:
    """Who may do what, to be looked through from time to time."""
    _filters, listing, staff = _staff(request)
    header = (_("Name"), _("E-mail address"), _("Roles"), _("Access"))
    return csv_response("people", header, staff.order_by(*listing.order), _cells)


def _cells(person: User) -> tuple[str, ...]:
    roles = ", ".join(str(held.get_role_display()) for held in person.staff_roles.all())
    return (person.full_name, person.email, roles, _("May sign in") if person.is_active else _("Ended"))


def _staff(request: HttpRequest) -> tuple[StaffFilterForm, Listing, UserQuerySet]:
    filters = StaffFilterForm(request.GET)
    chosen = filters.chosen()
    listing = Listing(request.GET, columns=COLUMNS, sort="name", filters=chosen)
    return filters, listing, User.objects.visible_to(request.user).staff().holding(chosen.get("role", "")).for_list()


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
        return _page(request, form)
    return _change(request, services.grant_role, person, form.cleaned_data["role"], _("The role was given."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def revoke(request: HttpRequest, pk: str) -> HttpResponse:
    """Take a staff role, after asking once more."""
    if request.method == "POST":
        return _revoke(request, pk)
    person, role = _person(request, pk), _said(request, "role")
    held = {row.role: str(row.get_role_display()) for row in person.staff_roles.all()}
    if role not in held:
        return redirect("people")
    url = f"{request.path}?{urlencode({'role': role})}"
    told = {"name": person.full_name, "role": held[role]}
    text = _("%(name)s no longer has the role “%(role)s” from the next click on.") % told
    question = Question(url, _("Take this role?"), text, _("Take the role"), _("Keep it"))
    return ask(request, question, back=reverse("people"))


@require_fresh_factor
def _revoke(request: HttpRequest, pk: str) -> HttpResponse:
    return _change(
        request, services.revoke_role, _person(request, pk), _said(request, "role"), _("The role was taken.")
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def access(request: HttpRequest, pk: str) -> HttpResponse:
    """End a person's access to the portal, after asking once more, or give it back."""
    person = _person(request, pk)
    if request.method == "POST":
        return _access(request, pk)
    question = Question(
        f"{reverse('people_access', args=[pk])}?access=end",
        _("End this person’s access?"),
        _("%(name)s is signed out everywhere and can’t sign in any more.") % {"name": person.full_name},
        _("End access"),
        _("Keep it"),
    )
    return ask(request, question, back=reverse("people"))


@require_fresh_factor
def _access(request: HttpRequest, pk: str) -> HttpResponse:
    verb = services.enable_user if _said(request, "access") == "give" else services.disable_user
    verb(_person(request, pk), actor=request.user.key, now=clock.now())
    messages.success(request, _("The person’s access was changed."))
    return redirect("people")


def _said(request: HttpRequest, name: str) -> str:
    """What the form says, or the address of the page that asked."""
    return request.POST.get(name) or request.GET.get(name, "")


def _person(request: HttpRequest, pk: str) -> User:
    if not policies.can_manage_people(request.user):
        raise PermissionDenied
    person = get_object_or_404(User.objects.visible_to(request.user).staff(), pk=pk)
    if not policies.can_change_roles_of(request.user, person):
        raise PermissionDenied
    return person


def _change(request: HttpRequest, verb, person: User, role: str, done: str) -> HttpResponse:
    with tell_outcome(request, done=done):
        verb(user=person, role=role, actor=request.user.key, now=clock.now())
    return redirect("people")
