"""The categories a field may have: fideslang's defaults, and those a communications platform needs besides.

Ours hang below fideslang's own, so that whoever reads our files with Fides sees a sensible parent.
"""

from functools import cache

OURS = frozenset(
    {
        "user.account.account_id",
        "user.authorization.api_token",
        "user.behavior.page_order",
        "user.behavior.visit",
        "user.communication",
        "user.communication.content",
        "user.communication.content.attachment",
        "user.communication.content.recording",
        "user.communication.traffic",
        "user.communication.traffic.location",
        "user.communication.traffic.party",
        "user.communication.traffic.route",
        "user.communication.traffic.time",
        "user.device.browser",
        "user.financial.payment_account",
        "user.workplace.company",
        "user.workplace.company.description",
        "user.workplace.company.industry",
        "user.workplace.company.revenue",
        "user.workplace.role",
        "user.workplace.seniority",
    }
)


@cache
def known() -> frozenset[str]:
    """Every category the data map accepts."""
    from fideslang.default_taxonomy import DEFAULT_TAXONOMY  # brings pydantic models; only who checks files pays for it

    return OURS | {str(category.fides_key) for category in DEFAULT_TAXONOMY.data_category}


def matches(category: str, wanted: str) -> bool:
    """A category matches itself and its dotted descendants: `user.device.cookie` is not `user.device.cookie_id`."""
    return category == wanted or category.startswith(wanted + ".")
