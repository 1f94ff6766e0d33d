"""The guard "open request": what a request needs stays until it closed seven days ago (docs/architecture.md)."""

from datetime import datetime

from sqlalchemy import ColumnElement, column, or_, select, table

from apps.datamap import guards
from apps.datamap.guards import Guarded, Keep
from apps.subject_requests.services.forgetting import FORGET_AFTER
from apps.subject_requests.services.pending import only_what_was_kept
from apps.subject_requests.states import PendingStatus

REQUESTS = table("subject_requests_subjectrequest", column("id"), column("closed_at"), column("filed_by_id"))
PENDING = table("subject_requests_pendingerasure", column("request_id"), column("status"))
WITH_THE_REQUEST = {  # table -> column that leads to the request
    "subject_requests_subjectrequest": "id",
    "subject_requests_subjectidentifier": "request_id",
    "subject_requests_message": "request_id",
}
PEOPLE = "portal_accounts"  # the dataset of users, memberships, addresses, factors


def keeps(store: str, collection: Guarded, now: datetime) -> list[Keep]:
    """Rows of open requests in the portal's own tables, and the person who waits for an answer."""
    if store != "portal":
        return []
    needed = or_(REQUESTS.c.closed_at.is_(None), REQUESTS.c.closed_at > now - FORGET_AFTER)
    if collection.table.name in WITH_THE_REQUEST:
        key = collection.table.c[WITH_THE_REQUEST[collection.table.name]]
        kept: ColumnElement[bool] = key.in_(select(REQUESTS.c.id).where(needed))
        if collection.table.name == REQUESTS.name:
            # What it still has to erase would be forgotten with it (a hold may last longer than the confirmation).
            unfinished = select(PENDING.c.request_id).where(PENDING.c.status != PendingStatus.ERASED.value)
            kept = or_(kept, key.in_(unfinished))
        return [Keep(kept, ground="open_request", kind="open_request")]
    if collection.dataset == PEOPLE:
        # Whoever waits for an answer must still be able to sign in and fetch it.
        person = (
            collection.table.c.id if collection.table.name == "accounts_user" else collection.table.c.get("user_id")
        )
        waiting = select(REQUESTS.c.filed_by_id).where(needed)
        return [] if person is None else [Keep(person.in_(waiting), ground="open_request", kind="open_request")]
    if collection.table.name == "notifications_outgoingmessage":
        # Every letter about a request: it goes with the request's identifiers (services.forgetting).
        letters = collection.table.c.about.startswith("subject_requests.subjectrequest:")
        return [Keep(letters, ground="open_request", kind="open_request")]
    return []


def register() -> None:
    guards.register("open requests", keeps, version=lambda: "2")
    guards.register("pending erasures", only_what_was_kept, version=lambda: "1")
