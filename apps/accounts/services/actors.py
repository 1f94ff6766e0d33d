"""Who acted, as pages name them: the ledger itself holds ids only."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.ledger.models import Entry


def name_actors(entries: Iterable[Entry], *, seen_by: User) -> dict[str, str]:
    """Names by actor, for those who may see colleagues' names; the rest is missing, and its id is all there is."""
    people = User.objects.visible_to(seen_by).acting(*(entry.actor for entry in entries))
    return {person.key: person.full_name for person in people} | {"command": _("Set-up"), "system": _("The portal")}
