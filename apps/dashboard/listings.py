"""Evidence and outbox as lists: their columns, what a row shows, and what a file of them holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.tables import Column, Empty
from apps.ledger.models import Entry
from apps.ledger.services import sentence
from apps.notifications.models import OutgoingMessage
from apps.retention.policies import can_see_holds

ABOUT_HOLDS = "retention/hold"  # how the names of letters about legal holds begin

# An entry's number follows its time. No head sorts by what has no index: the ledger only grows.
EVIDENCE_COLUMNS = (
    Column("when", gettext_lazy("When"), ("id",)),
    Column("what", gettext_lazy("What happened"), ("verb", "id")),
    Column("who", gettext_lazy("Who")),
    Column("object", gettext_lazy("Object"), ("target", "id")),
    Column("fingerprint", gettext_lazy("Fingerprint")),
)
OUTBOX_COLUMNS = (
    Column("when", gettext_lazy("When"), ("created_at", "pk")),
    Column("message", gettext_lazy("Message"), ("template", "created_at", "pk")),
    Column("about", gettext_lazy("About"), ("about", "created_at", "pk")),
    Column("state", gettext_lazy("State")),
)
EVIDENCE: dict[str, Any] = {
    "caption": gettext_lazy("Entries of the ledger"),
    "rows_template": "dashboard/evidence_rows.html",
    "empty": Empty(gettext_lazy("No entries"), gettext_lazy("Nothing on record fits these filters.")),
}
OUTBOX: dict[str, Any] = {
    "caption": gettext_lazy("Messages"),
    "rows_template": "dashboard/outbox_rows.html",
    "empty": Empty(
        gettext_lazy("Nothing yet"), gettext_lazy("Messages appear here as soon as there is something to tell.")
    ),
}


@dataclass(frozen=True)
class EvidenceRow:
    entry: Entry
    text: str
    object: tuple[str, str]


def evidence_row(entry: Entry) -> EvidenceRow:
    """`datamap.erasureplan:1ced15eb-…` is shown as what it is, and enough of its id to tell two apart."""
    label, _colon, pk = entry.target.partition(":")
    return EvidenceRow(entry, sentence(entry), (label.rpartition(".")[2], pk[:8]))


def evidence_header() -> list[str]:
    return [_("When"), _("What happened"), _("Verb"), _("Who"), _("Object"), _("Fingerprint")]


def evidence_cells(entry: Entry) -> Iterator[object]:
    """Whole ids and fingerprints: a file is for looking things up."""
    yield from (entry.at.isoformat(), sentence(entry), entry.verb, entry.actor, entry.target, bytes(entry.leaf).hex())


def entries_for(user: Any) -> QuerySet[Entry]:
    """What this person may read of the evidence: that a legal hold stands is for those alone who work with it (T63)."""
    entries = Entry.objects.visible_to(user)
    if can_see_holds(user):
        return entries
    letters = Q(verb__startswith="notification.", facts__template__startswith=ABOUT_HOLDS)
    return entries.exclude(verb__startswith="hold.").exclude(letters)


def messages_for(user: Any) -> QuerySet[OutgoingMessage]:
    """The outbox likewise."""
    messages = OutgoingMessage.objects.visible_to(user)
    return messages if can_see_holds(user) else messages.exclude(template__startswith=ABOUT_HOLDS)


def matching(entries: QuerySet[Entry], chosen: dict[str, Any]) -> QuerySet[Entry]:
    """The entries that fit the filters of `EvidenceForm`."""
    if "verb" in chosen:
        entries = entries.filter(verb=chosen["verb"])
    if "target" in chosen:
        entries = entries.filter(target__endswith=chosen["target"].strip())
    if "day" in chosen:
        start = datetime.combine(chosen["day"], time.min, tzinfo=timezone.get_default_timezone())
        entries = entries.filter(at__gte=start, at__lt=start + timedelta(days=1))
    return entries


def outbox_header() -> list[str]:
    return [_("When"), _("Message"), _("Channel"), _("Language"), _("About"), _("State"), _("Error code")]


def outbox_cells(message: OutgoingMessage) -> Iterator[object]:
    yield from (message.created_at.isoformat(), message.template, message.channel, message.language, message.about)
    yield _("Sent") if message.delivered_at else _("Given up") if message.gave_up_at else _("Waiting")
    yield message.error_code
