"""What a receipt of consent says about the categories: from the register as it was shown with the choice."""

from apps.consent.models import Event
from apps.consent.services.receipts import Facts
from apps.cookies.models import RegisterVersion
from apps.cookies.states import OPTIONAL, Category

DATA = ("user.device.cookie_id", "user.behavior")


def facts_of(event: Event) -> dict[str, Facts]:
    """Who gets data in each category, and for how long a choice counts; nothing where that register is not here."""
    versions = RegisterVersion.objects.of_site(event.scope.removeprefix("site:"))
    version = versions.filter(number=event.register_version or 0).first()
    if version is None:
        return {}
    found: dict[str, set[str]] = {category.value: set() for category in OPTIONAL}
    for entry in version.content["entries"]:
        found.get(entry["category"], set()).add(entry["company"])
    return {
        category: Facts(
            data_categories=DATA,
            recipients=tuple(sorted(companies - {""})),
            validity=f"P{version.validity_months}M",
            is_marketing=category == Category.MARKETING,
        )
        for category, companies in found.items()
    }
