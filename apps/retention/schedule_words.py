"""The rules of the schedule in the reader's language: what each is about, an example, and what the data is for.

Rules are data, so their own texts are in one language. The words here stand for what the schedule says; where somebody
changed a rule's text since, that text itself is shown: a translation of what it said before would not be true.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.countries import country_name
from apps.retention.evaluation import ANY_REGION, EEA, is_country
from apps.retention.models import Rule
from apps.retention.states import Basis

SCHEDULE = Path(__file__).parent / "data" / "retention_schedule.csv"

# In the order in which they are shown; a family that is not here comes last, by its own name.
FAMILIES: Mapping[str, Any] = {
    "content": gettext_lazy("What people say to each other"),
    "traffic": gettext_lazy("Traffic data: who, when and where, not what was said"),
    "account": gettext_lazy("Customers and prospects"),
    "enrichment": gettext_lazy("Data from other sources"),
    "visitor": gettext_lazy("Visitors of the website"),
    "consent": gettext_lazy("Consent"),
    "requests": gettext_lazy("Requests about personal data"),
}
NO_FAMILY = gettext_lazy("Without a period of its own")
TITLES: Mapping[str, Any] = {
    "communications_content": gettext_lazy("Content of communications"),
    "abuse_traffic": gettext_lazy("Traffic data against misuse"),
    "number_rental": gettext_lazy("Who rented which number"),
    "additional_services": gettext_lazy("Additional services"),
    "marketing_prospect": gettext_lazy("Marketing and sales: prospects"),
    "marketing_customer": gettext_lazy("Marketing and sales: customers"),
    "enrichment_prospect": gettext_lazy("Enrichment: prospects"),
    "enrichment_customer": gettext_lazy("Enrichment: customers"),
    "tax": gettext_lazy("Invoices and tax records"),
    "consent_proof": gettext_lazy("Proof of consent"),
    "dsr_confirmation": gettext_lazy("Proof that a request was answered"),
    "service_account": gettext_lazy("Account data"),
    "payment_methods": gettext_lazy("Saved payment methods"),
    "web_visits": gettext_lazy("Website visits"),
    "support_recordings": gettext_lazy("Recordings of support calls"),
    "security_logs": gettext_lazy("Security logs"),
    "packages": gettext_lazy("Files of answered requests"),
    "registrations": gettext_lazy("Registration of campaigns"),
    "outbox": gettext_lazy("Messages from us"),
    "erasure_plans": gettext_lazy("Plans of erasures"),
    "suppression": gettext_lazy("Objections and restrictions"),
    "end_user_consents": gettext_lazy("Consents of a customer’s end users"),
}
EXAMPLES: Mapping[str, Any] = {
    "communications_content": gettext_lazy("text of messages, attachments, recordings of calls"),
    "abuse_traffic": gettext_lazy("sender, recipient (number or e-mail), time, route, location, account id"),
    "number_rental": gettext_lazy("number, renter, from, to"),
    "additional_services": gettext_lazy("address book, usage insights, transmission log of a customer"),
    "marketing_prospect": gettext_lazy("name, company, and what was talked about with a prospect"),
    "marketing_customer": gettext_lazy("contacts and interests of customers"),
    "enrichment_prospect": gettext_lazy("facts about a prospect's company that others publish"),
    "enrichment_customer": gettext_lazy("facts about a customer's company that others publish"),
    "tax": gettext_lazy("invoices; name, e-mail, company address, bank details and position, as far as on them"),
    "consent_proof": gettext_lazy("who consented to what, when, or withdrew it"),
    "dsr_confirmation": gettext_lazy("that a request came in, and what was done"),
    "service_account": gettext_lazy("name, e-mail and phone number of an account holder"),
    "payment_methods": gettext_lazy("last digits and expiry of a saved card"),
    "web_visits": gettext_lazy("pages visited, order, browser and device, IP address"),
    "support_recordings": gettext_lazy("a recorded call with support"),
    "security_logs": gettext_lazy("IP addresses, sign-ins"),
    "packages": gettext_lazy("export packages and certificates to download"),
    "registrations": gettext_lazy("purpose of a campaign and a sample message"),
    "outbox": gettext_lazy("e-mails and text messages that the portal sent, with their addresses"),
    "erasure_plans": gettext_lazy("whom a plan of an erasure is about, sealed"),
    "suppression": gettext_lazy("who objected to which purpose, or had processing restricted"),
    "end_user_consents": gettext_lazy("what end users agreed and objected to, as the customer wrote it down"),
}
PURPOSES: Mapping[str, Any] = {
    "communications_content": gettext_lazy("The customer's service. The customer may choose any time up to this."),
    "abuse_traffic": gettext_lazy("Preventing misuse and fraud, and nothing else."),
    "number_rental": gettext_lazy("Preventing misuse after a number is handed back."),
    "additional_services": gettext_lazy("The customer's service, and 30 days to return the data."),
    "marketing_prospect": gettext_lazy("Telling prospects about our services."),
    "marketing_customer": gettext_lazy("Telling customers about our services. It ends on objection."),
    "enrichment_prospect": gettext_lazy(
        "Knowing whom we could serve. The person is told within a month (GDPR 14) or the data goes; "
        "it goes on objection too."
    ),
    "enrichment_customer": gettext_lazy("Knowing whom we serve. It goes on objection."),
    "tax": gettext_lazy("Bookkeeping, and the tax on services to other countries."),
    "consent_proof": gettext_lazy("Being able to show that consent was given or withdrawn (GDPR 5(2) and 7(1))."),
    "dsr_confirmation": gettext_lazy("Being able to show that a request was answered (GDPR 5(2))."),
    "service_account": gettext_lazy("Providing the service, and 30 days to return the data."),
    "payment_methods": gettext_lazy("Paying without typing again. They go when the consent goes."),
    "web_visits": gettext_lazy("Seeing how the website is used."),
    "support_recordings": gettext_lazy("Training and quality."),
    "security_logs": gettext_lazy("Keeping accounts secure."),
    "packages": gettext_lazy("Handing over the answer to a request."),
    "registrations": gettext_lazy("Registering a campaign where a country asks for it."),
    "outbox": gettext_lazy(
        "Seeing whether a notice arrived, and sending it again. An erasure removes the message at once."
    ),
    "erasure_plans": gettext_lazy("Erasing exactly what was approved. After 30 days a plan does nothing any more."),
    "suppression": gettext_lazy("Not doing again what a person objected to (GDPR 21(3)), and showing that we did not."),
    "end_user_consents": gettext_lazy(
        "The customer’s proof of consent and list of objections, and 30 days to return the data."
    ),
}
GROUNDS: Mapping[str, Any] = {
    Basis.CONSENT: gettext_lazy("Consent (GDPR 6(1)(a))"),
    Basis.CONTRACT: gettext_lazy("Contract (GDPR 6(1)(b))"),
    Basis.LEGITIMATE_INTEREST: gettext_lazy("Legitimate interest (GDPR 6(1)(f))"),
    # Not "required by law": the law asks for the work, and no law sets this period.
    Basis.LEGAL_OBLIGATION: gettext_lazy("For a task that the law gives us (GDPR 6(1)(c)); the period is our own"),
}


@cache
def scheduled() -> dict[str, dict[str, str]]:
    """The rows of the schedule by key, as it was written."""
    with SCHEDULE.open(encoding="utf-8", newline="") as file:
        return {row["key"]: row for row in csv.DictReader(file)}


def family(code: str) -> str:
    """A data family in words."""
    return str(FAMILIES.get(code, code.replace("_", " ").capitalize())) if code else str(NO_FAMILY)


def family_place(code: str) -> tuple[int, str]:
    """What families are sorted by."""
    known = list(FAMILIES)
    return (known.index(code), "") if code in known else (len(known), code)


def title(rule: Rule) -> str:
    """What a rule is called on pages."""
    return str(TITLES.get(rule.key) or rule.key.replace("_", " ").capitalize())


def example(rule: Rule) -> str:
    """What data it is about, by example."""
    return _translated(EXAMPLES, rule.key, said=rule.description, column="data")


def purpose(rule: Rule) -> str:
    """What the data is for."""
    return _translated(PURPOSES, rule.key, said=rule.why, column="why")


def ground(rule: Rule) -> str:
    """What the period rests on. "Required by law" is said of a duty alone, and then with act and article."""
    if rule.is_duty:
        return _("Required by law: %(citation)s") % {"citation": rule.citation}
    return str(GROUNDS.get(rule.legal_basis, rule.get_legal_basis_display()))


def place(region: str) -> str:
    """Where a rule holds."""
    if region.casefold() == ANY_REGION:
        return _("everywhere")
    if region.casefold() == EEA:
        return _("in the European Economic Area")
    return country_name(region.upper()) if is_country(region) else region


def _translated(words: Mapping[str, Any], key: str, *, said: str, column: str) -> str:
    is_as_scheduled = scheduled().get(key, {}).get(column) == said
    return str(words[key]) if is_as_scheduled and key in words else said
