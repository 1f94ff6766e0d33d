"""Publishing what people will be shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.consent.models import Text
from apps.consent.texts import digest_of
from apps.core.errors import InvalidInput
from apps.ledger.services import record


@transaction.atomic
def publish_texts(
    *, notice: str, bodies: Mapping[str, Mapping[str, Any]], is_material: bool, actor: str, now: datetime
) -> dict[str, str]:
    """Make these words the current version of a notice: language -> body in, language -> digest out.

    Where nothing changed in any language, the version that stands is given back; a language whose words stay as they
    were keeps its row. `is_material`: whoever agreed to the earlier one is asked again (an editorial change asks
    nobody). Raises `InvalidInput` for words that an earlier version had: their row says that they were replaced.
    """
    digests = {language: digest_of(notice, language, body) for language, body in bodies.items()}
    standing = dict(Text.objects.current().filter(notice=notice).values_list("language", "digest"))
    if standing == digests:
        return digests
    new = {language: digest for language, digest in digests.items() if standing.get(language) != digest}
    if Text.objects.filter(digest__in=new.values()).exists():
        raise InvalidInput("texts", _("These words were shown before, and replaced. Change something in them."))
    latest = Text.objects.filter(notice=notice).aggregate(version=Max("version"))["version"] or 0
    Text.objects.bulk_create(
        Text(
            digest=digest, notice=notice, version=latest + 1, language=language, body=dict(bodies[language]),
            is_material=is_material, published_at=now,
        )
        for language, digest in new.items()
    )  # fmt: skip
    facts = {"version": latest + 1, "is_material": is_material, "digests": sorted(new.values())}
    record(actor=actor, verb="consent.text_published", target=f"consent.notice:{notice}", at=now, **facts)
    return digests
