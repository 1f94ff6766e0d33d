"""Where the work on a request is (`Status`), how each part ended (`Outcome`), and the only ways on."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Right(TextChoices):
    """What a person may ask (GDPR 7(3), 15-18, 20, 21)."""

    ACCESS = "access", _("Access: a copy of the data")
    RECTIFICATION = "rectification", _("Rectification: correct the data")
    ERASURE = "erasure", _("Erasure: delete the data")
    RESTRICTION = "restriction", _("Restriction: limit the use of the data")
    PORTABILITY = "portability", _("Portability: move the data")
    OBJECTION = "objection", _("Objection: stop a use of the data")
    CONSENT_WITHDRAWAL = "consent_withdrawal", _("Withdrawal of consent")


OFFERED = (Right.ACCESS, Right.ERASURE)
"""The rights that can be filed and executed today; the others take their places as they are built."""


class About(TextChoices):
    OWN = "own", _("My own data")
    END_USER = "end_user", _("A person who is an end user of my company")


class Channel(TextChoices):
    """How a request reached us: whichever way, it is one (EDPB Guidelines 01/2022, 52-56)."""

    DASHBOARD = "dashboard", _("Signed in on the portal")
    API = "api", _("Through the API")
    FORM = "form", _("Public form")
    EMAIL = "email", _("E-mail")
    POST = "post", _("Letter by post")


class Capacity(TextChoices):
    """In which capacity the provider holds the data that a part is about (GDPR 4(7), 4(8))."""

    CONTROLLER = "controller", _("Controller: data we hold for our own purposes")
    PROCESSOR = "processor", _("Processor: data we hold on the customer’s instruction")


class Status(TextChoices):
    RECEIVED = "received", _("Received")
    IDENTITY_PENDING = "identity_pending", _("Waiting for proof of identity")
    WAITING_FOR_REQUESTER = "waiting_for_requester", _("Waiting for the requester")
    IN_PROGRESS = "in_progress", _("In progress")
    AWAITING_APPROVAL = "awaiting_approval", _("Awaiting approval")
    EXECUTING = "executing", _("Executing")
    CLOSED = "closed", _("Closed")

    @property
    def words_for_requester(self) -> str:
        """What the requester reads."""
        return str(FOR_REQUESTER[self])


FOR_REQUESTER = {
    Status.RECEIVED: _("Received"),
    Status.IDENTITY_PENDING: _("Confirm your identity"),
    Status.WAITING_FOR_REQUESTER: _("Waiting for you"),
    Status.IN_PROGRESS: _("In progress"),
    Status.AWAITING_APPROVAL: _("Being checked"),
    Status.EXECUTING: _("In progress"),
    Status.CLOSED: _("Closed"),
}

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.RECEIVED: frozenset(
        {Status.IDENTITY_PENDING, Status.WAITING_FOR_REQUESTER, Status.IN_PROGRESS, Status.CLOSED}
    ),
    Status.IDENTITY_PENDING: frozenset({Status.IN_PROGRESS, Status.CLOSED}),
    Status.WAITING_FOR_REQUESTER: frozenset({Status.IN_PROGRESS, Status.CLOSED}),
    Status.IN_PROGRESS: frozenset(
        {Status.WAITING_FOR_REQUESTER, Status.IDENTITY_PENDING, Status.AWAITING_APPROVAL, Status.CLOSED}
    ),
    Status.AWAITING_APPROVAL: frozenset({Status.IN_PROGRESS, Status.EXECUTING, Status.CLOSED}),
    Status.EXECUTING: frozenset({Status.IN_PROGRESS, Status.CLOSED}),
    Status.CLOSED: frozenset(),
}
OPEN = frozenset(status for status, ways_on in TRANSITIONS.items() if ways_on)
WITHDRAWABLE = OPEN - {Status.EXECUTING}
TRIAGED = frozenset({Status.RECEIVED, Status.IDENTITY_PENDING, Status.WAITING_FOR_REQUESTER, Status.IN_PROGRESS})
"""Before approval: an officer may still ask, extend, refuse."""


class Outcome(TextChoices):
    FULFILLED = "fulfilled", _("Fulfilled")
    PARTLY_FULFILLED = "partly_fulfilled", _("Partly fulfilled")
    NOTHING_HELD = "nothing_held", _("Nothing found under this address")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    RELAYED = "relayed", _("Sent to the company that wrote to you")
    INSTRUCTION_EXECUTED = "instruction_executed", _("Instruction executed")
    INSTRUCTION_DECLINED = "instruction_declined", _("Instruction declined")
    NO_ANSWER = "no_answer", _("Closed without an answer from the requester")
    NOT_IDENTIFIED = "not_identified", _("Identity not shown")
    DUPLICATE = "duplicate", _("Duplicate of another request")
    SPAM = "spam", _("Spam")


class RefusalGround(TextChoices):
    """Why a part may be refused. The first two only for what we hold as controller."""

    MANIFESTLY_UNFOUNDED = "manifestly_unfounded", _("Manifestly unfounded (GDPR 12(5))")
    EXCESSIVE = "excessive", _("Excessive, in particular repetitive (GDPR 12(5))")
    RIGHTS_OF_OTHERS = "rights_of_others", _("It would harm the rights of others (GDPR 15(4))")
    LEGAL_CLAIMS = "legal_claims", _("Needed for legal claims (GDPR 17(3)(e))")
    LEGAL_DUTY = "legal_duty", _("A legal duty demands that all of it stays (GDPR 17(3)(b))")
    NO_AUTHORITY = "no_authority", _("The requester may not ask this for the person")
    INFRINGES_LAW = "infringes_law", _("The instruction would infringe the law (GDPR 28(3))")


REFUSALS_OF_CONTROLLER = tuple(ground for ground in RefusalGround if ground is not RefusalGround.INFRINGES_LAW)
REFUSALS_OF_PROCESSOR = (RefusalGround.INFRINGES_LAW, RefusalGround.NO_AUTHORITY)


class ExtensionReason(TextChoices):
    """GDPR 12(3): complexity and number; volume alone is not complexity (EDPB 01/2022, 162-164)."""

    COMPLEXITY = "complexity", _("The request is complex")
    NUMBER = "number", _("The same person sent many requests")
    INFLUX = "influx", _("A temporary, exceptional number of requests reached us")


class PauseKind(TextChoices):
    IDENTITY_EU = "identity_eu", _("An officer doubts the identity (GDPR 12(6))")
    CLARIFICATION_EU = "clarification_eu", _("Clarification of access to much data (recital 63)")
    IDENTITY_UK = "identity_uk", _("Identity asked for (UK GDPR 12A)")
    CLARIFICATION_UK = "clarification_uk", _("Clarification asked for (DPA 2018)")


class Verification(TextChoices):
    """How the requester's identity or authority was shown (T11: never by facts that an outsider can know)."""

    SESSION_AND_FACTOR = "session_and_factor", _("Signed in with a second factor")
    AUTHORITY_STATED = "authority_stated", _("Signed in with a second factor; stated to act for the customer")
    OFFICER = "officer", _("Checked by an officer")


class RevealReason(TextChoices):
    VERIFY_IDENTITY = "verify_identity", _("To verify the requester’s identity")
    CHECK_PLAN = "check_plan", _("To check what a plan would do")
    ANSWER_QUESTION = "answer_question", _("To answer a question about the request")
    COMPLAINT = "complaint", _("To handle a complaint")


class TaskStatus(TextChoices):
    """A store task: one store's share of the execution, so that retries are per store and progress shows."""

    PENDING = "pending", _("Waiting")
    RUNNING = "running", _("Running")
    EXECUTED = "executed", _("Executed")
    CONFIRMED = "confirmed", _("Confirmed")
    UNCONFIRMED = "unconfirmed", _("Executed; not confirmed")
    STOPPED = "stopped", _("Stopped")


TASK_TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.RUNNING, TaskStatus.STOPPED}),
    # back to pending: a failure that may pass, or a lease that ran out
    TaskStatus.RUNNING: frozenset({TaskStatus.PENDING, TaskStatus.EXECUTED, TaskStatus.STOPPED}),
    TaskStatus.EXECUTED: frozenset({TaskStatus.CONFIRMED, TaskStatus.UNCONFIRMED}),
    TaskStatus.UNCONFIRMED: frozenset({TaskStatus.CONFIRMED}),
    TaskStatus.CONFIRMED: frozenset(),
    TaskStatus.STOPPED: frozenset(),
}


class TaskKind(TextChoices):
    ACCESS = "access", _("Collect and pack")
    ERASE = "erase", _("Erase")


class PendingStatus(TextChoices):
    """What a keep protects: it goes when the ground ends, without anyone asking."""

    WAITING = "waiting", _("Waiting for the ground to end")
    RUNNING = "running", _("Being erased")
    ERASED = "erased", _("Erased")


class PackageKind(TextChoices):
    ACCESS = "access", _("Copy of the data")
    CERTIFICATE = "certificate", _("Certificate of erasure")


class MessageKind(TextChoices):
    QUESTION = "question", _("Question to the requester")
    MESSAGE = "message", _("Message")
    NOTE = "note", _("Internal note")
