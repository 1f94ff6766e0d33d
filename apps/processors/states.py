"""The words that processors are described with."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Capacity(TextChoices):
    """What a company is in law when it works with data for us."""

    SUB_PROCESSOR = "sub_processor", _("Sub-processor of customers’ data")
    OWN_PROCESSOR = "own_processor", _("Processor of our own data")
    CONTROLLER = "controller", _("Controller in its own right")
    JOINT = "joint", _("Joint controller with us")
    CONDUIT = "conduit", _("Carrier")


class Mechanism(TextChoices):
    """What a transfer out of the EEA rests on (GDPR, Chapter V). `mechanisms.py` says when each one was valid."""

    ADEQUACY = "adequacy", _("Adequacy decision")
    DPF = "dpf", _("EU-US Data Privacy Framework")
    SCC_2021 = "scc_2021", _("Standard contractual clauses (2021/914)")
    BCR = "bcr", _("Binding corporate rules")
    SCC_2010 = "scc_2010", _("Standard contractual clauses (2010/87)")
    PRIVACY_SHIELD = "privacy_shield", _("Privacy Shield")
