"""Every page of the portal, furnished: who goes where, with requests in every state."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.management import call_command

from apps.accounts.models import CustomerAccount, User
from apps.consent import links
from apps.consent.ids import event_id
from apps.consent.models import PROVIDER
from apps.consent.services import Decision, finance, record_decision
from apps.consent.services.answers import Manner, current_text
from apps.consent.states import Method
from apps.cookies.models import Cookie
from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.demo.sign_ins import ACME, GLOBEX, create_sign_ins
from apps.processors.models import Engagement
from apps.subject_requests import services
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import About, Right
from tests.accounts.factories import CustomerAccountFactory
from tests.retention.factories import RuleChangeFactory
from tests.retention.holds import hold
from tests.retention.leaving import announced, certified
from tests.retention.sweeping import furnish_pages

PLAIN_STATES = ("received", "waiting", "doubted", "extended", "withdrawn", "late")
VARIANTS = (
    "departure-over",
    *("finance-ideal", "finance-paypal", "own-preferences", "own-enrichment"),
    "sweep-cancel",
    *("home-none", "requests-none", "desk-none", "holds-none", "hold-lifted", "hold-lift", "retention-audited"),
    *("sweep-approve", "leave-stay", "rule-end", "rules-file", "departure-new", "consents-none"),
    *("consents-audited", "purpose-end", "purpose-new"),
)
DATASET = "apps/demo/datasets/platform.yml"


@dataclass(frozen=True)
class Place:
    """A page: a name for its picture, its address, and who goes there ("" for a visitor)."""

    name: str
    path: str
    who: str = ""

    @property
    def is_variant(self) -> bool:
        """The same page as another place, in a state that shows nothing of its own kind."""
        kind, _, state = self.name.partition("-")
        return self.name in VARIANTS or (kind in ("request", "desk") and state in PLAIN_STATES)


PUBLIC = (
    Place("components", "/components/"),
    Place("centre", "/"),
    Place("contact", "/contact/"),
    Place("processors", "/processors/"),
    Place("cookies", "/cookies/"),
    Place("retention", "/retention/"),
    Place("newsletter", "/newsletter/"),
    Place("preferences-ask", "/preferences/"),
    Place("sign-in", "/account/login/"),
    Place("sign-up", "/account/signup/"),
    Place("password-reset", "/account/password/reset/"),
    Place("not-found", "/no/such/page/"),
)
CUSTOMER, OFFICER, SECOND_OFFICER = "privacy@acme.example", "officer1@portal.example", "officer2@portal.example"
ADMIN, AUDITOR = "admin@portal.example", "auditor@portal.example"
FILING = ("right", "about", "identifiers", "asked", "check")


def furnish(*, now: datetime, number: str, settle: Callable[[], Any]) -> list[Place]:
    """Make sign-ins and requests in every state; `settle` waits until the worker did what it can, and ends it.

    `number` is a recipient of Acme's messages on the sample platform.
    """
    create_sign_ins(now=now - timedelta(days=60))
    call_command("datamap", "load", DATASET, verbosity=0)
    people = {user.email: user for user in User.objects.all()}
    account = CustomerAccount.objects.get(memberships__user=people[CUSTOMER])
    filing = _Filing(people[CUSTOMER], account, number, now)
    made = _requests(filing, people[OFFICER], people[SECOND_OFFICER], now=now)
    settle()
    made["executing"] = filing.approved(Right.ERASURE, people[OFFICER], people[SECOND_OFFICER])
    customer = [Place(f"request-{name}", f"/requests/{each.reference}/", CUSTOMER) for name, each in made.items()]
    desk = [Place(f"desk-{name}", f"/desk/{each.reference}/", SECOND_OFFICER) for name, each in made.items()]
    return [*PUBLIC, *customer, *desk, *_fixed(made), *_holds(people[OFFICER], now), *_retention(now), *_leaving(now),
            *_consents(now), *_receipts(people[CUSTOMER], now)]  # fmt: skip


def _holds(officer: User, now: datetime) -> list[Place]:
    """One that stands, on data that no request here is about, and one that was lifted."""
    values = {"owner": officer, "placed_at": now - timedelta(days=20), "collections": ["platform:web_visits"]}
    stands = hold(**values, account="1001", review_on=(now + timedelta(days=5)).date())
    lifted = hold(**values, lifted_at=now)
    return [
        Place("holds", "/desk/holds/", OFFICER),
        Place("holds-none", "/desk/holds/?show=overdue", OFFICER),
        Place("hold", f"/desk/holds/{stands.reference}/", OFFICER),
        Place("hold-lifted", f"/desk/holds/{lifted.reference}/", OFFICER),
        Place("hold-lift", f"/desk/holds/{stands.reference}/lift/?why=settled", OFFICER),
        Place("hold-new", "/desk/holds/new/", OFFICER),
    ]


def _retention(now: datetime) -> list[Place]:
    done, running, waiting = furnish_pages(now=now)
    sweeps = {"done": done, "running": running, "waiting": waiting}
    return [
        Place("retention-desk", "/desk/retention/", OFFICER),
        Place("retention-audited", "/desk/retention/?status=refused", AUDITOR),
        *(Place(f"sweep-{name}", f"/desk/retention/sweeps/{each.hash}/", OFFICER) for name, each in sweeps.items()),
        Place("sweep-approve", f"/desk/retention/sweeps/{waiting.hash}/approve/", OFFICER),
        Place("sweep-cancel", f"/desk/retention/sweeps/{running.hash}/cancel/", OFFICER),
    ]


def _leaving(now: datetime) -> list[Place]:
    """Acme chooses and Globex leaves; who has left has no rows on the sample platform."""
    acme, globex = (CustomerAccount.objects.get(platform_account_id=one) for one in (ACME, GLOBEX))
    announced(globex, now=now, ends_on=(now + timedelta(days=40)).date())
    done, own = certified(CustomerAccountFactory(name="Initech", platform_account_id="9999")), "/account/retention/"
    owner = "owner@acme.example"
    return [
        Place("periods", f"{own}{acme.pk}/", owner),
        Place("period-choose", f"{own}{acme.pk}/periods/communications_content/?period=P30D", owner),
        Place("leave", f"{own}{acme.pk}/leave/", owner),
        Place("leaving", f"{own}{globex.pk}/", "owner@globex.example"),
        Place("leave-stay", f"{own}{globex.pk}/leave/stay/", "owner@globex.example"),
        Place("departures", "/desk/departures/", OFFICER),
        Place("departure-new", "/desk/departures/new/", OFFICER),
        Place("departure-over", f"/desk/departures/{done.account_id}/over/", OFFICER),
        Place("departure-certificate", f"{own}{done.account_id}/leave/certificate/", OFFICER),
    ]


def _consents(now: datetime) -> list[Place]:
    """An owner with both switches on, and the pages that a link in a mail opens."""
    owner = User.objects.get(email="owner@acme.example")
    account = CustomerAccount.objects.get(platform_account_id=ACME)
    said = {"account": account, "manner": Manner(Method.SWITCH), "by": owner, "now": now - timedelta(days=9)}
    card = {"last_four": "4242", "expires": "2031-05", "holder": "A. Owner"}
    words = {purpose: current_text(purpose, "en").digest for purpose in (finance.METHOD, finance.TOP_UP, "newsletter")}
    finance.save_payment_method(kind="card", details=card, text=words[finance.METHOD], **said)
    amounts = {"amount": 2500, "threshold": 1000, "monthly_cap": 10000}
    finance.switch_top_up_on(amounts=amounts, text=words[finance.TOP_UP], **said)
    whom, own = Identity(IdentityType.EMAIL, owner.email), f"/account/finance/{account.pk}/"
    preferences, key = links.preferences_token(whom, now=now), crypto.lookup(whom)
    confirm, end = (
        links.confirm_token(whom, text=words["newsletter"], now=now),
        links.unsubscribe_token("newsletter", key),
    )
    return [
        Place("finance", own, owner.email),
        Place("finance-card", f"{own}payment-method/card/", owner.email),
        Place("finance-ideal", f"{own}payment-method/ideal/", owner.email),
        Place("finance-paypal", f"{own}payment-method/paypal/", owner.email),
        Place("finance-top-up", f"{own}top-up/", owner.email),
        Place("own-preferences", "/account/preferences/", owner.email),
        Place("own-enrichment", "/account/enrichment/", owner.email),
        Place("preferences", f"/preferences/{preferences}/"),
        Place("enrichment", f"/preferences/{preferences}/enrichment/"),
        Place("newsletter-confirm", f"/newsletter/confirm/{confirm}/"),
        Place("unsubscribe", f"/newsletter/unsubscribe/{end}/"),
    ]


def _receipts(person: User, now: datetime) -> list[Place]:
    """The person said yes to the newsletter, then no."""
    text = current_text("newsletter", "en")
    facts = {"scope": PROVIDER, "subject_key": person.key, "user_id": person.pk, "text": text.digest, "language": "en"}
    for days, action in ((9, "given"), (2, "withdrawn")):
        at = now - timedelta(days=days)
        choices = {"newsletter": action == "given"}
        said = Decision(id=event_id(at), action=action, method="switch", choices=choices, **facts)
        record_decision(said, now=at)
    return [
        Place("consents", "/account/consents/", CUSTOMER),
        Place("consents-none", "/account/consents/", "owner@globex.example"),
        Place("receipt", f"/account/consents/{said.id}/receipt/", CUSTOMER),
    ]


def _fixed(made: dict[str, SubjectRequest]) -> list[Place]:
    answered, erased = made["answered"].reference, made["erased"].reference
    return [
        Place("home", "/requests/home/", CUSTOMER),
        Place("home-none", "/requests/home/", "owner@globex.example"),
        Place("requests", "/requests/", CUSTOMER),
        Place("requests-done", "/requests/?show=done", CUSTOMER),
        Place("requests-none", "/requests/", "owner@globex.example"),
        Place("sent", f"/requests/{answered}/sent/", CUSTOMER),
        Place("withdraw", f"/requests/{made['received'].reference}/withdraw/", CUSTOMER),
        Place("file", f"/requests/{answered}/files/access/", CUSTOMER),
        Place("certificate", f"/requests/{erased}/files/certificate/", CUSTOMER),
        *(Place(f"new-{slug}", f"/requests/new/{slug}/", CUSTOMER) for slug in FILING),
        Place("account", "/account/", CUSTOMER),
        Place("second-factor", "/account/2fa/", CUSTOMER),
        Place("sessions", "/account/sessions/", CUSTOMER),
        Place("team", f"/account/team/{made['received'].account_id}/", "owner@acme.example"),
        Place("tokens", f"/account/tokens/{made['received'].account_id}/", "owner@acme.example"),
        Place("token-new", f"/account/tokens/{made['received'].account_id}/new/", "owner@acme.example"),
        Place("desk", "/desk/", OFFICER),
        Place("board", "/desk/?as=board", OFFICER),
        Place("bulk", "/desk/bulk/", OFFICER),
        Place("desk-none", "/desk/?status=executing", OFFICER),
        Place("keys", "/desk/keys/", OFFICER),
        Place("overview", "/desk/overview/?period=12-months", OFFICER),
        Place("evidence", "/evidence/", AUDITOR),
        Place("outbox", "/evidence/outbox/", AUDITOR),
        Place("people", "/registers/people/", ADMIN),
        Place("register", "/registers/processors/", ADMIN),
        Place("register-entry", f"/registers/processors/{Engagement.objects.earliest('pk').line}/", ADMIN),
        Place("register-new", "/registers/processors/new/", ADMIN),
        Place("cookie-register", "/registers/cookies/", ADMIN),
        Place("cookie-entry", f"/registers/cookies/{Cookie.objects.earliest('pk').line}/", ADMIN),
        Place("cookie-new", "/registers/cookies/new/", ADMIN),
        Place("cookie-site", "/registers/cookies/sites/main/", ADMIN),
        Place("cookie-site-new", "/registers/cookies/new-site/", ADMIN),
        Place("cookie-site-form", "/registers/cookies/sites/main/edit/", ADMIN),
        Place("consents-desk", "/desk/consents/?period=30-days", OFFICER),
        Place("consents-audited", "/desk/consents/?by=method", AUDITOR),
        Place("consents-search", "/desk/consents/search/", OFFICER),
        Place("consents-history", f"/desk/consents/subject/{User.objects.get(email=CUSTOMER).key}/", OFFICER),
        Place("purposes", "/registers/purposes/", ADMIN),
        Place("purpose", "/registers/purposes/newsletter/", ADMIN),
        Place("purpose-form", "/registers/purposes/newsletter/edit/", ADMIN),
        Place("purpose-new", "/registers/purposes/new/", ADMIN),
        Place("purpose-end", "/registers/purposes/newsletter/end/", ADMIN),
        Place("rules", "/registers/rules/", ADMIN),
        Place("rule", "/registers/rules/tax/", ADMIN),
        Place("rule-form", "/registers/rules/tax/change/", ADMIN),
        Place("rule-end", "/registers/rules/support_recordings/end/", ADMIN),
        Place("rule-proposed", f"/registers/rules/changes/{RuleChangeFactory().pk}/", ADMIN),
        Place("rule-new", "/registers/rules/new/", ADMIN),
        Place("rules-file", "/registers/rules/file/", ADMIN),
    ]


def _requests(filing: "_Filing", officer: User, second: User, *, now: datetime) -> dict[str, SubjectRequest]:
    """One request a state, each taken there by the services."""
    made = {"received": filing.file(Right.ACCESS, 1, asked_customer_on=(now - timedelta(days=3)).date())}
    waiting = filing.taken_up(Right.ACCESS, 12, officer, about=About.OWN)
    services.ask_requester(waiting, text="Which of your two addresses do you mean?", by=officer, now=now)
    doubted = filing.taken_up(Right.ACCESS, 0, officer)
    services.doubt_identity(doubted, doubt="The account changed hands last week.", by=officer, now=now)
    extended = filing.taken_up(Right.ACCESS, 25, officer)
    part = extended.parts.get(capacity="controller")
    services.extend_deadline(part, reason="complexity", words="Ten systems hold copies.", by=officer, now=now)
    refused = filing.taken_up(Right.ERASURE, 9, officer)
    for capacity, ground in (("controller", "legal_claims"), ("processor", "infringes_law")):
        part = refused.parts.get(capacity=capacity)
        services.refuse_part(part, ground=ground, words="A court asked us to keep it.", by=officer, now=now)
    withdrawn = filing.file(Right.ERASURE, 6)
    services.withdraw_request(withdrawn, by=filing.by, now=now)
    prepared = filing.taken_up(Right.ERASURE, 5, officer)
    services.prepare_request(prepared, by=officer, now=now)
    services.send_message(prepared, text="Thank you for looking into it.\nIt is urgent.", by=filing.by, now=now)
    services.add_note(prepared, text="Look at the rows that stay.", by=officer, now=now)
    answered = filing.approved(Right.ACCESS, officer, officer)
    erased = filing.approved(Right.ERASURE, officer, second)
    late = filing.taken_up(Right.ERASURE, 50, officer)
    return made | {
        "waiting": waiting,
        "doubted": doubted,
        "extended": extended,
        "refused": refused,
        "withdrawn": withdrawn,
        "prepared": prepared,
        "answered": answered,
        "erased": erased,
        "late": late,
    }


@dataclass
class _Filing:
    by: User
    account: CustomerAccount
    number: str
    now: datetime
    count: int = 0

    def file(self, right: Right, days: int, *, about: About = About.END_USER, **more: Any) -> SubjectRequest:
        self.count += 1
        is_end_user = about is About.END_USER
        return services.open_request(
            right=right,
            about=about,
            account=self.account,
            filed_by=self.by,
            form_key=f"place-{self.count}",
            now=self.now - timedelta(days=days),
            identities=(Identity(IdentityType.PHONE_NUMBER, self.number),) if is_end_user else (),
            authority_stated=is_end_user,
            **more,
        )

    def taken_up(self, right: Right, days: int, officer: User, **more: Any) -> SubjectRequest:
        at = self.now - timedelta(days=days, hours=-1)
        return services.assign_request(self.file(right, days, **more), to=officer, by=officer, now=at)

    def approved(self, right: Right, first: User, second: User) -> SubjectRequest:
        taken_up = self.taken_up(right, 4, first)
        prepared = services.prepare_request(taken_up, by=first, now=self.now - timedelta(hours=1))
        return services.approve_request(prepared, by=second, now=self.now)
