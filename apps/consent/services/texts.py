"""Publishing what people will be shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from apps.consent.models import Text
from apps.consent.texts import digest_of
from apps.ledger.services import record


@transaction.atomic
def publish_texts(
    *, notice: str, bodies: Mapping[str, Mapping[str, Any]], is_material: bool, actor: str, now: datetime
) -> dict[str, str]:
    """Make these words the current version of a notice: language -> body in, language -> digest out.

    Where nothing changed in any language, the version that stands is given back. `is_material`: whoever agreed to the
    earlier one is asked again (an editorial change asks nobody).
    """
    digests = {language: digest_of(notice, language, body) for language, body in bodies.items()}
    latest = Text.objects.filter(notice=notice).aggregate(version=Max("version"))["version"] or 0
    standing = Text.objects.filter(notice=notice, version=latest).values_list("language", "digest")
    if dict(standing) == digests:
        return digests
    Text.objects.bulk_create(
        Text(
            digest=digest, notice=notice, version=latest + 1, language=language, body=dict(bodies[language]),
            is_material=is_material, published_at=now,
        )
        for language, digest in digests.items()
    )  # fmt: skip
    facts = {"version": latest + 1, "is_material": is_material, "digests": sorted(digests.values())}
    record(actor=actor, verb="consent.text_published", target=f"consent.notice:{notice}", at=now, **facts)
    return digests
