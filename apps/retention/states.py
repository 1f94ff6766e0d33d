"""What a rule can say, where a sweep, a change of rules, a hold and a departure stand, and the ways on."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(TextChoices):
    LIMIT = "limit", _("must go afterwards")
    DUTY = "duty", _("must stay until then: required by law")
    INTEREST = "interest", _("stays until then in our interest")


class Action(TextChoices):
    DELETE = "delete", _("deleted")
    ANONYMISE = "anonymise", _("made anonymous")


class Basis(TextChoices):
    """The grounds of GDPR Article 6(1) that a rule can rest on."""

    CONSENT = "consent", _("consent")
    CONTRACT = "contract", _("contract")
    LEGAL_OBLIGATION = "legal_obligation", _("legal obligation")
    LEGITIMATE_INTEREST = "legitimate_interest", _("legitimate interest")


class Capacity(TextChoices):
    CONTROLLER = "controller", _("controller")
    PROCESSOR = "processor", _("processor")
    CONDUIT = "conduit", _("conduit")


class ChangeStatus(TextChoices):
    """A change of a rule: it waits for a second person where it would delete more."""

    PROPOSED = "proposed", _("Waits for a second person")
    PUBLISHED = "published", _("In force")
    DECLINED = "declined", pgettext_lazy("change of a rule", "Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


CHANGE_TRANSITIONS = {
    ChangeStatus.PROPOSED: frozenset({ChangeStatus.PUBLISHED, ChangeStatus.DECLINED, ChangeStatus.WITHDRAWN}),
    ChangeStatus.PUBLISHED: frozenset(),
    ChangeStatus.DECLINED: frozenset(),
    ChangeStatus.WITHDRAWN: frozenset(),
}


class SweepStatus(TextChoices):
    """A plan, and the run it becomes."""

    PLANNED = "planned", _("Planned")
    WAITING = "waiting", _("Waits for a person")
    RUNNING = "running", _("Running")
    INCOMPLETE = "incomplete", _("Incomplete: it is tried again")
    DONE = "done", _("Done")
    SUPERSEDED = "superseded", _("Replaced by a newer plan")
    REFUSED = "refused", pgettext_lazy("sweep", "Refused")


SWEEP_TRANSITIONS = {
    SweepStatus.PLANNED: frozenset({SweepStatus.RUNNING, SweepStatus.SUPERSEDED, SweepStatus.REFUSED}),
    SweepStatus.WAITING: frozenset({SweepStatus.PLANNED, SweepStatus.SUPERSEDED, SweepStatus.REFUSED}),
    SweepStatus.RUNNING: frozenset({SweepStatus.INCOMPLETE, SweepStatus.DONE, SweepStatus.REFUSED}),
    SweepStatus.INCOMPLETE: frozenset({SweepStatus.RUNNING, SweepStatus.DONE, SweepStatus.REFUSED}),
    SweepStatus.DONE: frozenset(),
    SweepStatus.SUPERSEDED: frozenset(),
    SweepStatus.REFUSED: frozenset(),
}
SWEEPS_OPEN = frozenset({SweepStatus.PLANNED, SweepStatus.WAITING, SweepStatus.RUNNING, SweepStatus.INCOMPLETE})


class TaskStatus(TextChoices):
    """One collection of one store in a sweep."""

    PENDING = "pending", _("Waiting")
    CLAIMED = "claimed", _("Working")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed: it is tried again")


TASK_TRANSITIONS = {
    TaskStatus.PENDING: frozenset({TaskStatus.CLAIMED}),
    TaskStatus.CLAIMED: frozenset({TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.CLAIMED, TaskStatus.PENDING}),
    TaskStatus.FAILED: frozenset({TaskStatus.CLAIMED}),
    TaskStatus.DONE: frozenset(),
}


class HoldReason(TextChoices):
    LITIGATION = "litigation", _("Legal claim or court case")
    AUTHORITY = "authority", _("Order or request of an authority")
    ABUSE_CASE = "abuse_case", _("Open abuse case")
    INVESTIGATION = "investigation", _("Internal investigation")
    OTHER = "other", _("Another reason")


class LiftReason(TextChoices):
    SETTLED = "settled", _("The case is settled")
    ORDER_ENDED = "order_ended", _("The order or request of the authority ended")
    NOT_NEEDED = "not_needed", _("The data is no longer needed for the case")
    REPLACED = "replaced", _("Another hold takes its place")
    MISTAKE = "mistake", _("It was placed by mistake")


class RevealReason(TextChoices):
    """Why somebody reads the words of a hold and whom it is about."""

    REVIEW = "review", _("To review the hold")
    CASE = "case", _("To work on the case it serves")
    QUESTION = "question", _("To answer a question about it")
    SUPERVISION = "supervision", _("To check that it was rightly placed")


class DepartureStatus(TextChoices):
    """A customer that leaves."""

    ANNOUNCED = "announced", _("Announced")
    READ_ONLY = "read_only", _("Read-only")
    ERASING = "erasing", _("Being erased")
    ERASED = "erased", _("Erased")
    WITHDRAWN = "withdrawn", pgettext_lazy("leaving", "Withdrawn")


DEPARTURE_TRANSITIONS = {
    DepartureStatus.ANNOUNCED: frozenset({DepartureStatus.READ_ONLY, DepartureStatus.WITHDRAWN}),
    DepartureStatus.READ_ONLY: frozenset({DepartureStatus.ERASING, DepartureStatus.WITHDRAWN}),
    DepartureStatus.ERASING: frozenset({DepartureStatus.ERASED}),
    DepartureStatus.ERASED: frozenset(),
    DepartureStatus.WITHDRAWN: frozenset(),
}


class DepartureChoice(TextChoices):
    """What happens to a leaving customer's data (GDPR Article 28(3)(g))."""

    RETURN = "return", _("Return it, then delete it")
    DELETE = "delete", _("Delete it")
