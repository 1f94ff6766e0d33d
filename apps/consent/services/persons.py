"""Under which subject keys one person may have said something to us: an address, an account of their own, a number."""

from django.db.models import Q

from apps.accounts.models import User
from apps.core import crypto
from apps.core.identities import Identity, IdentityType


def keys_of(identity: Identity) -> frozenset[str]:
    """Every key of whoever holds this address or number: its own, and where somebody signs in with it, that person's
    and those of what they confirmed. What nobody confirmed may be somebody else's (T18)."""
    by_email = Q(email=identity.value, email_verified_at__isnull=False)
    by_phone = Q(phone_number=identity.value, phone_verified_at__isnull=False)
    asked = {IdentityType.EMAIL: by_email, IdentityType.PHONE_NUMBER: by_phone}.get(identity.type)
    people = User.objects.filter(asked) if asked is not None else User.objects.none()
    return frozenset({crypto.lookup(identity)}.union(*map(_keys_of_person, people)))


def _keys_of_person(person: User) -> set[str]:
    found = {person.key}
    if person.email_verified_at:
        found.add(crypto.lookup(Identity(IdentityType.EMAIL, person.email)))
    if person.phone_verified_at:
        found.add(crypto.lookup(Identity(IdentityType.PHONE_NUMBER, person.phone_number)))
    return found
