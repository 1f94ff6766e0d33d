"""The newsletter and other direct marketing: asked for twice, ended in one step, and sent only to whom it may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Membership
from apps.consent import links
from apps.consent.models import PROVIDER, Objection, Restriction, State, Subscription, Text
from apps.consent.services.answers import Manner, current_text, is_on, read_text, say, shown_text
from apps.consent.services.limits import object_to_purpose, take_back
from apps.consent.services.persons import keys_of
from apps.consent.states import MARKETING, Action
from apps.core import crypto, limits
from apps.core.errors import DomainError
from apps.core.identities import Identity
from apps.ledger.services import record
from apps.notifications.services import notify

NEWSLETTER, PRODUCTS = "newsletter", "product_marketing"
LETTERS_AN_HOUR = 3  # to one address, whoever asks (T17)


@dataclass(frozen=True)
class Marketing:
    """What is on for one address. `products` is None for whoever is no customer: nothing is sent then."""

    newsletter: bool
    products: bool | None
    is_objected: bool  # to all direct marketing: what is on nevertheless was asked for since

    @property
    def is_any_on(self) -> bool:
        return self.newsletter or bool(self.products)


def marketing_of(identity: Identity, *, at: datetime) -> Marketing:
    """What may be sent to an address at this instant. An objection counts under any key that its holder is known by."""
    key = crypto.lookup(identity)
    objections = list(Objection.objects.of_any(PROVIDER, keys_of(identity)).open())
    newsletter = is_on(key, NEWSLETTER, at=at) and Subscription.objects.filter(lookup=key).exists()
    newsletter = newsletter and not any(one.reaches(NEWSLETTER) for one in objections)
    products = not any(one.reaches(PRODUCTS) for one in objections) if is_customer(identity) else None
    return Marketing(newsletter, products, is_objected=any(one.purpose == MARKETING for one in objections))


def subject_key(identity: Identity) -> str:
    """How an address stands in consent events."""
    return crypto.lookup(identity)


def is_customer(identity: Identity) -> bool:
    """Whether the address belongs to somebody who acts for a customer: the interest reaches no further."""
    people = Membership.objects.filter(user__email=identity.value, user__is_active=True)
    return people.exclude(user__email_verified_at=None).exclude(account__activated_at=None).exists()


@transaction.atomic
def ask_for_newsletter(*, identity: Identity, text: str, language: str, now: datetime) -> None:
    """Send a mail that asks to confirm, or says that the newsletter comes already: nobody learns here which.

    Raises `InvalidInput` on `text` where other words are in force by now.
    """
    words = shown_text(NEWSLETTER, text)
    if marketing_of(identity, at=now).newsletter:
        _write_to(identity, "newsletter_known", _preferences(identity, now=now), language=language, now=now)
        return
    token = links.confirm_token(identity, text=words.digest, now=now)
    path = reverse("consent:newsletter_confirm", args=[token])
    _write_to(identity, "newsletter_confirm", {"path": path}, language=language, now=now)


@transaction.atomic
def ask_for_preferences(*, identity: Identity, language: str, now: datetime) -> None:
    """Send the link to one's preferences, to whatever address is given."""
    _write_to(identity, "preferences_link", _preferences(identity, now=now), language=language, now=now)


def _preferences(identity: Identity, *, now: datetime) -> dict[str, str]:
    return {"path": reverse("consent:preferences", args=[links.preferences_token(identity, now=now)])}


def _write_to(identity: Identity, name: str, context: Mapping[str, str], *, language: str, now: datetime) -> None:
    key = crypto.lookup(identity)
    if not limits.take(f"consent.letters:{key}", slots=LETTERS_AN_HOUR, seconds=3600):
        return
    once = f"consent.{name}:{key[:32]}:{now:%Y%m%d%H%M}"  # who clicks twice gets one mail
    told = {"to": identity.value, "template": f"consent/{name}", "language": language, "context": dict(context)}
    notify(key=once, now=now, **told)  # type: ignore[arg-type]


@transaction.atomic
def confirm_subscription(*, asked: links.Asked, language: str, manner: Manner, now: datetime) -> bool:
    """The second half of the double opt-in: the consent begins here. False when it stands already.

    Raises `links.Spent` where the newsletter was ended after the link was sent, and `DomainError` as `subscribe` does.
    """
    key = crypto.lookup(asked.identity)
    _lock(key)
    if is_on(key, NEWSLETTER, at=now) and Subscription.objects.filter(lookup=key).exists():
        return False
    if State.objects.of(PROVIDER, key).filter(purpose=NEWSLETTER, is_allowed=False, since__gt=asked.at).exists():
        raise links.Spent
    words = read_text(NEWSLETTER, asked.text)
    _subscribe([asked.identity], words=words, language=language, manner=manner, now=now)
    return True


@transaction.atomic
def subscribe(*, identities: Sequence[Identity], text: str, language: str, manner: Manner, now: datetime) -> bool:
    """Say yes on a page that only the holder of the address can open. False when it stands already.

    `identities`: what the person proved to hold, the e-mail address first. Raises `DomainError` where an objection
    stands under something that they did not prove now.
    """
    _lock(crypto.lookup(identities[0]))
    if marketing_of(identities[0], at=now).newsletter:
        return False
    _subscribe(identities, words=shown_text(NEWSLETTER, text), language=language, manner=manner, now=now)
    return True


def _subscribe(proved: Sequence[Identity], *, words: Text, language: str, manner: Manner, now: datetime) -> None:
    identity, key = proved[0], crypto.lookup(proved[0])
    standing = _in_the_way(proved, to_allow=NEWSLETTER, manner=manner)
    event = say(Action.GIVEN, {NEWSLETTER: True}, subject_key=key, text=words, manner=manner, now=now)
    take_back(standing, to_allow=NEWSLETTER, actor=_actor(manner), now=now)
    Subscription.objects.filter(lookup=key).delete()
    row = Subscription(lookup=key, language=language, event=event, confirmed_at=now, last_contact_at=now)
    row.address = crypto.seal(identity.value, bound_to=row.binding)
    row.save(force_insert=True)
    record(actor=_actor(manner), verb="consent.subscribed", target=f"consent.event:{event}", at=now, event=event)


def _in_the_way(proved: Sequence[Identity], *, to_allow: str, manner: Manner) -> list[Objection]:
    """The objections that stand in the way of one purpose. Raises `DomainError` where the person did not prove to be
    the one who made them (T18)."""
    keys = {crypto.lookup(one) for one in proved} | {_actor(manner)}
    said = Objection.objects.of_any(PROVIDER, keys_of(proved[0])).open()
    standing = [one for one in said if one.reaches(to_allow)]
    if {one.subject_key for one in standing} - keys:
        raise DomainError("said_elsewhere", _("You objected where you had signed in. Sign in, and take it back there."))
    return standing


@transaction.atomic
def unsubscribe(*, subject_key: str, language: str, manner: Manner, now: datetime) -> bool:
    """End the newsletter at once and delete the address; False when it did not stand."""
    _lock(subject_key)
    stood = is_on(subject_key, NEWSLETTER, at=now)
    Subscription.objects.filter(lookup=subject_key).delete()
    if not stood:
        return False
    words = current_text(NEWSLETTER, language)
    event = say(Action.WITHDRAWN, {NEWSLETTER: False}, subject_key=subject_key, text=words, manner=manner, now=now)
    facts = {"event": event, "method": str(manner.method)}
    record(actor=_actor(manner), verb="consent.unsubscribed", target=f"consent.event:{event}", at=now, **facts)
    return True


@transaction.atomic
def stop_marketing(*, subject_key: str, purpose: str = MARKETING, language: str, manner: Manner, now: datetime) -> bool:
    """Object to direct marketing, sales contact included, or to one purpose of it: nothing is weighed, it ends now
    (GDPR 21(3)). False when that stood already."""
    if purpose == NEWSLETTER:
        return unsubscribe(subject_key=subject_key, language=language, manner=manner, now=now)
    _lock(subject_key)
    if has_objected(subject_key, purpose):
        return False
    ended = {purpose, PRODUCTS}
    if purpose == MARKETING:  # a link that was sent before confirms nothing any more
        ended.add(NEWSLETTER)
        Subscription.objects.filter(lookup=subject_key).delete()
    words, choices = current_text(PRODUCTS, language), dict.fromkeys(sorted(ended), False)
    event = say(Action.OBJECTED, choices, subject_key=subject_key, text=words, manner=manner, now=now)
    object_to_purpose(
        scope=PROVIDER, subject_key=subject_key, purpose=purpose, source=f"consent.event:{event}",
        actor=_actor(manner), now=now,
    )  # fmt: skip
    return True


@transaction.atomic
def allow_products(*, identities: Sequence[Identity], language: str, manner: Manner, now: datetime) -> bool:
    """A customer takes the objection back for product news, and for nothing else. False when none stood.

    `identities`: what the person proved to hold, the e-mail address first. Raises `DomainError` where an objection
    stands under something that they did not prove now.
    """
    key = crypto.lookup(identities[0])
    _lock(key)
    standing = _in_the_way(identities, to_allow=PRODUCTS, manner=manner)
    if not standing:
        return False
    take_back(standing, to_allow=PRODUCTS, actor=_actor(manner), now=now)
    words = current_text(PRODUCTS, language)
    say(Action.GIVEN, {PRODUCTS: True}, subject_key=key, text=words, manner=manner, now=now)
    return True


def has_objected(subject_key: str, purpose: str) -> bool:
    return any(one.reaches(purpose) for one in Objection.objects.of(PROVIDER, subject_key).open())


@transaction.atomic
def send_marketing(
    *,
    purpose: str,
    identity: Identity,
    template: str,
    context: Mapping[str, Any],
    key: str,
    language: str,
    now: datetime,
) -> bool:
    """The one door for marketing mail: False, and nothing goes out, to whom we may not write.

    Each mail can be ended in one step, by the mail program too (RFC 8058), and leads to the preferences.
    """
    subject_key = crypto.lookup(identity)
    is_restricted = Restriction.objects.of_any(PROVIDER, keys_of(identity)).open().exists()
    marketing = marketing_of(identity, at=now)
    may = {NEWSLETTER: marketing.newsletter, PRODUCTS: bool(marketing.products)}[purpose]
    if is_restricted or not may:
        return False
    path = reverse("consent:unsubscribe", args=[links.unsubscribe_token(purpose, subject_key)])
    ways = {"unsubscribe": path, "preferences": _preferences(identity, now=now)["path"]}
    headers = {
        "List-Unsubscribe": f"<{settings.BASE_URL}{path}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    Subscription.objects.filter(lookup=subject_key).update(last_contact_at=now)
    told = {"to": identity.value, "template": template, "language": language, "context": {**context, **ways}}
    return notify(key=f"consent.marketing:{key}:{subject_key[:32]}", headers=headers, now=now, **told)  # type: ignore[arg-type]


def _lock(subject_key: str) -> None:
    """Two clicks of one subject: one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"consent:{subject_key}"])


def _actor(manner: Manner) -> str:
    return f"user:{manner.user_id}" if manner.user_id else "system"
