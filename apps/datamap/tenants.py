"""The rows of customer accounts, as each store writes an account: the portal's own tables know it by their own id."""

from collections.abc import Collection

import sqlalchemy as sa

from apps.accounts.models import CustomerAccount
from apps.datamap.guards import Guarded


def of_accounts(collection: Guarded, accounts: Collection[str]) -> sa.ColumnElement[bool]:
    """Rows whose tenant is one of these platform account ids. What can't be an account's id there matches nothing."""
    tenant = collection.tenant
    if tenant is None or not accounts:
        return sa.false()
    if isinstance(tenant.type, sa.Uuid):
        # The portal's own tables know an account by their own id.
        known = CustomerAccount.objects.filter(platform_account_id__in=accounts).order_by("pk")
        return tenant.in_(list(known.values_list("pk", flat=True)))
    if isinstance(tenant.type, sa.Integer):
        return tenant.in_([int(account) for account in accounts if account.isascii() and account.isdigit()])
    return sa.cast(tenant, sa.Text).in_(list(accounts))
