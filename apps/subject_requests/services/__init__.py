"""Verbs on requests. Each is keyword-only after its object, writes its ledger line, and raises `DomainError`.

- filing: `open_request`, `own_identities`
- triage: `assign_request`, `ask_requester`, `send_message`, `add_note`, `doubt_identity`, `confirm_identity`,
  `close_unidentified`, `close_as_duplicate`, `close_as_spam`, `withdraw_request`, `reveal_identifiers`
- clocks: `deadline_of`, `explain_deadline`, `customer_deadline`, `extend_deadline`
- the answer: `prepare_request`, `plan_of`, `approve_request`, `send_back`, `refuse_part`
- the worker's: `run_task`, `confirm_executed`, `reclaim_abandoned`, `erase_pending`, `alert_part`, …
- due dates in a calendar: `make_calendar_feed`, `revoke_calendar_feed`, `open_calendar_feed`
- the download: `open_download_page`, `mint_download_link`, `peek_download`, `start_download`
"""

from apps.subject_requests.services.alerts import alert_part, follow_up_silence, parts_to_alert
from apps.subject_requests.services.calendar_feeds import (
    make_calendar_feed,
    open_calendar_feed,
    revoke_calendar_feed,
)
from apps.subject_requests.services.clocks import (
    customer_deadline,
    deadline_of,
    explain_deadline,
    extend_deadline,
)
from apps.subject_requests.services.delivery import (
    Download,
    LinkSpent,
    mint_download_link,
    open_download_page,
    peek_download,
    purge_orphans,
    purge_package,
    start_download,
)
from apps.subject_requests.services.execution import close_erasure, confirm_executed, confirmed_everywhere, run_task
from apps.subject_requests.services.forgetting import forget_identifiers, to_forget
from apps.subject_requests.services.intake import open_request, own_identities
from apps.subject_requests.services.moves import IllegalMove
from apps.subject_requests.services.pending import erase_pending, hurry_pending
from apps.subject_requests.services.planning import (
    approve_request,
    plan_of,
    prepare_request,
    refuse_part,
    scope_of,
    send_back,
)
from apps.subject_requests.services.store_tasks import claimable, reclaim_abandoned
from apps.subject_requests.services.tombstones import apply_lines, expire_tombstones, export_lines
from apps.subject_requests.services.triage import (
    add_note,
    ask_requester,
    assign_request,
    close_as_duplicate,
    close_as_spam,
    close_unanswered,
    close_unidentified,
    confirm_identity,
    doubt_identity,
    reveal_identifiers,
    send_message,
    withdraw_request,
)

__all__ = [
    "Download",
    "IllegalMove",
    "LinkSpent",
    "add_note",
    "alert_part",
    "apply_lines",
    "approve_request",
    "ask_requester",
    "assign_request",
    "claimable",
    "close_as_duplicate",
    "close_as_spam",
    "close_erasure",
    "close_unanswered",
    "close_unidentified",
    "confirm_executed",
    "confirm_identity",
    "confirmed_everywhere",
    "customer_deadline",
    "deadline_of",
    "doubt_identity",
    "erase_pending",
    "expire_tombstones",
    "explain_deadline",
    "export_lines",
    "extend_deadline",
    "follow_up_silence",
    "forget_identifiers",
    "hurry_pending",
    "make_calendar_feed",
    "mint_download_link",
    "open_calendar_feed",
    "open_download_page",
    "open_request",
    "own_identities",
    "parts_to_alert",
    "peek_download",
    "plan_of",
    "prepare_request",
    "purge_orphans",
    "purge_package",
    "reclaim_abandoned",
    "refuse_part",
    "reveal_identifiers",
    "revoke_calendar_feed",
    "run_task",
    "scope_of",
    "send_back",
    "send_message",
    "start_download",
    "to_forget",
    "withdraw_request",
]
