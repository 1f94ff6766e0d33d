"""The API tokens of a customer account. Its owners make and revoke them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import policies, services
from apps.accounts.forms import TokenForm
from apps.accounts.models import ApiToken, CustomerAccount
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms, require_fresh_factor
from apps.core.outcomes import add_refusal
from apps.core.pages import Page
from apps.core.questions import Question, ask
from apps.core.tables import Column, Empty, Listing, Table

COLUMNS = (
    Column("name", gettext_lazy("Name"), ("by_name", "pk")),
    Column("scopes", gettext_lazy("May")),
    Column("created", gettext_lazy("Created"), ("created_at", "pk")),
    Column("used", gettext_lazy("Last used")),
    Column("ends", gettext_lazy("Ends"), ("expires_at", "pk")),
    Column("revoke", gettext_lazy("Revoke"), is_hidden=True),
)


def _own(request: HttpRequest, pk: str) -> CustomerAccount:
    """Somebody else's account does not exist (404); a member who is no owner may not (403)."""
    account = get_object_or_404(CustomerAccount.objects.visible_to(request.user), pk=pk)
    if not policies.can_manage_tokens(request.user, account):
        raise PermissionDenied
    return account


@require_safe
@login_required
def tokens(request: HttpRequest, pk: str) -> HttpResponse:
    """The account's tokens, those that ended as well; never their secret part."""
    account = _own(request, pk)
    listing = Listing(request.GET, columns=COLUMNS, sort="-created")
    page = listing.page(ApiToken.objects.visible_to(request.user).filter(account=account).for_list())
    table = _table(listing, page, request.path)
    return render(request, "accounts/tokens.html", {"account": account, "table": table})


def _table(listing: Listing, page: Page, path: str) -> Table:
    now = clock.now()
    for row in page.rows:
        row.is_over = row.expires_at <= now
        row.dialog, row.revoking = f"revoke-{row.pk}", _revoking(row)
    empty = Empty(
        _("No tokens yet"), _("Systems of yours that ask us something show a token. Make one for each system.")
    )
    rows = "accounts/tokens_rows.html"
    return listing.table(page, page.rows, caption=_("API tokens"), rows_template=rows, empty=empty, csv_url="")


def _revoking(token: ApiToken) -> Question:
    text = _(
        "Whatever shows “%(name)s” is refused from now on. This can’t be undone; make another token where you need one."
    )
    url = reverse("account_token_revoke", args=[token.account_id, token.pk])
    return Question(url, _("Revoke this token?"), text % {"name": token.name}, _("Revoke"), _("Keep it"))


@never_cache
@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def token_new(request: HttpRequest, pk: str) -> HttpResponse:
    """Make a token for one system."""
    account = _own(request, pk)
    if request.method == "POST":
        return _make(request, account)
    return render(request, "accounts/tokens_new.html", {"account": account, "form": TokenForm()})


@require_fresh_factor
def _make(request: HttpRequest, account: CustomerAccount) -> HttpResponse:
    """The token's text is shown on the answer to this post, and never again (T34, T37)."""
    form = TokenForm(request.POST)
    made = _made(request, account, form) if form.is_valid() else None
    if made is None:
        return render(request, "accounts/tokens_new.html", {"account": account, "form": form})
    token, text = made
    return render(request, "accounts/tokens_made.html", {"account": account, "token": token, "text": text})


def _made(request: HttpRequest, account: CustomerAccount, form: TokenForm) -> tuple[ApiToken, str] | None:
    try:
        return services.create_token(account=account, **form.said(), by=request.user, now=clock.now())
    except DomainError as error:
        add_refusal(form, error)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def token_revoke(request: HttpRequest, pk: str, token: str) -> HttpResponse:
    """End a token, after asking once more."""
    account = _own(request, pk)
    found = get_object_or_404(
        ApiToken.objects.visible_to(request.user).select_related("account"), pk=token, account=account
    )
    if request.method != "POST":
        return ask(request, _revoking(found), back=reverse("account_tokens", args=[pk]))
    if services.revoke_token(found, actor=request.user.key, now=clock.now()):
        messages.success(request, _("The token was revoked."))
    return redirect("account_tokens", pk=account.pk)
