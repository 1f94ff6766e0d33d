"""What GDPR Article 15(1) and (2) has to be told beside the data itself, taken from the registers."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.countries import country_name
from apps.datamap.services import CollectionInfo
from apps.processors.models import Engagement
from apps.retention.services import current_rules, describe_period
from apps.subject_requests.models import SubjectRequest


def information(subject_request: SubjectRequest, collections: Iterable[CollectionInfo]) -> dict[str, Any]:
    """`purposes`, `categories`, `recipients`, `sources`, `rights`, … as plain values in the active language."""
    entered = list(collections)
    return {
        "controller": {
            "name": settings.PROVIDER["name"],
            "address": settings.PROVIDER["address"],
            "data_protection_officer": settings.PROVIDER["dpo_email"],
        },
        "capacity": _capacity(subject_request),
        "purposes": _purposes(entered),
        "categories": sorted({category for each in entered for category in each.categories}),
        "recipients": _recipients(),
        "sources": _sources(),
        "rights": _rights(),
        "transfers": _transfers(),
        "automated_decisions": _("We take no decision about you by automated means alone that affects you legally."),
        "complaint": complaint(),
    }


def _capacity(subject_request: SubjectRequest) -> str:
    return _(
        "Where “processor” stands beside a collection, we hold the data for our customer %(account)s, who decides what "
        "it is used for. Where “controller” stands, we decide it ourselves."
    ) % {"account": subject_request.account.name}


def _purposes(collections: list[CollectionInfo]) -> list[dict[str, Any]]:
    """One entry a retention rule: what for, on what basis, for how long, and which collections it is about."""
    rules = current_rules()
    used: dict[str, list[str]] = {}
    for each in collections:
        for key in each.retention:
            used.setdefault(key, []).append(each.key)
    return [
        {
            "rule": key,
            "data": rules[key].description,
            "purpose": rules[key].why or rules[key].description,
            "legal_basis": rules[key].get_legal_basis_display(),
            "period": rules[key].period,
            "starts_at": rules[key].starts_at,
            "period_words": describe_period(rules[key]),
            "collections": sorted(names),
        }
        for key, names in sorted(used.items())
        if key in rules
    ]


def _recipients() -> list[dict[str, str]]:
    """The register of processors as it is published; what was only stated in 2020 is never shown as verified."""
    return [
        {
            "name": engagement.processor.name,
            "location": country_name(engagement.country),
            "service": engagement.service,
            "role": str(engagement.get_capacity_display()),
            "mechanism": str(engagement.get_mechanism_display()) if engagement.mechanism else "",
            "note": "" if engagement.is_verified else _("Stated in 2020, not verified since."),
        }
        for engagement in Engagement.objects.published().for_list().order_by("processor__name", "service")
    ]


def _sources() -> list[str]:
    return [
        _("You, when you gave us the data."),
        _("Our customer who sent you messages or called you, or to whom you wrote."),
        _("Public sources and enrichment providers, where a collection is named for enrichment."),
    ]


def _rights() -> list[str]:
    return [
        _("To have wrong data corrected (Article 16)."),
        _("To have data erased (Article 17)."),
        _("To have the use of data restricted (Article 18)."),
        _("To take data with you (Article 20)."),
        _("To object to a use that rests on our interests (Article 21)."),
        _("To withdraw a consent at any time (Article 7(3))."),
    ]


def _transfers() -> str:
    return _(
        "Where a recipient outside the European Economic Area has access, the transfer rests on the mechanism named "
        "beside it (Articles 45 and 46). Ask our data protection officer for a copy."
    )


def complaint() -> str:
    """The right to complain and to go to court (GDPR 77, 79; DSR-9)."""
    return _(
        "You can complain to %(authority)s (%(url)s), to the supervisory authority where you live or work or where you "
        "think the law was broken, or to the regulator of your own jurisdiction. You can also go to court."
    ) % {"authority": settings.PROVIDER["authority_name"], "url": settings.PROVIDER["authority_url"]}
