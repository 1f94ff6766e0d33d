"""Who belongs to a customer account. Its owners decide."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import policies, services
from apps.accounts.forms import InviteForm, MemberRoleForm
from apps.accounts.models import CustomerAccount, Invitation, Membership
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.outcomes import add_refusal, tell_outcome
from apps.core.questions import Question, ask
from apps.core.tables import Column, Empty, Listing, Table

COLUMNS = (
    Column("name", gettext_lazy("Name"), ("by_name", "pk")),
    Column("email", gettext_lazy("E-mail address"), ("user__email", "pk")),
    Column("role", gettext_lazy("Role"), ("role", "by_name", "pk")),
    Column("remove", gettext_lazy("Remove"), is_hidden=True),
)


def _own(request: HttpRequest, pk: str) -> CustomerAccount:
    """Somebody else's account does not exist (404); a member who is no owner may not (403)."""
    account = get_object_or_404(CustomerAccount.objects.visible_to(request.user), pk=pk)
    if not policies.can_manage_team(request.user, account):
        raise PermissionDenied
    return account


@require_http_methods(["GET", "POST"])
@login_required
def team(request: HttpRequest, pk: str) -> HttpResponse:
    """The members of an account and the open invitations; inviting somebody."""
    account = _own(request, pk)
    form = InviteForm(request.POST or None)
    if form.is_valid() and _invite(request, account, form):
        return redirect("account_team", pk=account.pk)
    invitations = Invitation.objects.visible_to(request.user).open(now=clock.now()).filter(account=account)
    context = {"account": account, "invitations": invitations.order_by("email"), "form": form}
    return render(request, "accounts/team.html", context | {"table": _members(request, account)})


def _members(request: HttpRequest, account: CustomerAccount) -> Table:
    members = Membership.objects.visible_to(request.user).filter(account=account).for_list()
    listing = Listing(request.GET, columns=COLUMNS, sort="name")
    page = listing.page(members)
    for row in page.rows:
        row.form = MemberRoleForm(initial={"role": row.role}, auto_id=f"id_{row.pk}_%s")
        row.dialog, row.removing = f"remove-{row.pk}", _removing(row)
    empty = Empty(_("Nothing here"), _("Nobody is on this page of the list."), request.path, _("Show everything"))
    rows = "accounts/team_rows.html"
    return listing.table(page, page.rows, caption=_("Team"), rows_template=rows, empty=empty, csv_url="")


def _removing(member: Membership) -> Question:
    text = _("%(name)s no longer sees the account’s requests. What they filed stays.")
    return Question(
        reverse("account_member_remove", args=[member.account_id, member.pk]),
        _("Remove this person from the account?"),
        text % {"name": member.user.full_name},
        _("Remove"),
        _("Keep them"),
    )


def _invite(request: HttpRequest, account: CustomerAccount, form: InviteForm) -> bool:
    language, actor = translation.get_language() or "en", request.user.key
    try:
        services.invite(account=account, **form.cleaned_data, language=language, actor=actor, now=clock.now())
    except DomainError as error:
        add_refusal(form, error)
    else:
        messages.success(request, _("The invitation was sent."))
    return form.is_valid()


@require_POST
@login_required
def member_role(request: HttpRequest, pk: str, member: str) -> HttpResponse:
    """Give a member another role."""
    account = _own(request, pk)
    membership = get_object_or_404(Membership.objects.visible_to(request.user), pk=member, account=account)
    with tell_outcome(request, done=_("The role was changed.")):
        services.change_role(membership, role=request.POST.get("role", ""), actor=request.user.key, now=clock.now())
    return redirect("account_team", pk=account.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def member_remove(request: HttpRequest, pk: str, member: str) -> HttpResponse:
    """Take a member out of the account, after asking once more."""
    account = _own(request, pk)
    members = Membership.objects.visible_to(request.user).for_list()
    membership = get_object_or_404(members, pk=member, account=account)
    if request.method != "POST":
        return ask(request, _removing(membership), back=reverse("account_team", args=[pk]))
    with tell_outcome(request, done=_("The person no longer belongs to the account.")):
        services.remove_member(membership, actor=request.user.key, now=clock.now())
    return redirect("account_team", pk=account.pk)


@require_POST
@login_required
def invitation_withdraw(request: HttpRequest, pk: str, invitation: str) -> HttpResponse:
    """Take an invitation back."""
    account = _own(request, pk)
    found = get_object_or_404(Invitation.objects.visible_to(request.user), pk=invitation, account=account)
    services.withdraw_invitation(found, actor=request.user.key, now=clock.now())
    messages.success(request, _("The invitation was withdrawn."))
    return redirect("account_team", pk=account.pk)
