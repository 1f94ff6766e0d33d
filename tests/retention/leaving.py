"""Customers that leave: a departure at the step a test begins with, taken there by the services."""

import io
import json
import uuid
import zipfile
from datetime import UTC, date, datetime, time, timedelta

from apps.accounts.states import MemberRole
from apps.core import crypto
from apps.retention import services
from apps.retention.models import Departure
from apps.retention.states import DepartureChoice
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def owned_account(**values):
    """A customer account with its owner: `(account, owner)`."""
    account = CustomerAccountFactory(**values)
    return account, owner_of(account)


def owner_of(account):
    """A new owner; its address is nobody's, also beside people who were committed by another process."""
    email = f"owner-{uuid.uuid4().hex}@example.org"
    return MembershipFactory(account=account, role=MemberRole.OWNER, user__email=email).user


def announced(account=None, *, choice=DepartureChoice.RETURN, ends_on=TODAY, now=NOW) -> Departure:
    account = account or owned_account()[0]
    return services.announce_departure(account=account, choice=choice, service_ends_on=ends_on, by="command", now=now)


def read_only(account=None, **values) -> Departure:
    departure = announced(account, **values)
    return services.start_read_only(departure, now=noon(departure.service_ends_on))


def erasing(account=None, **values) -> Departure:
    """Thirty days later; data to be returned was returned."""
    departure = read_only(account, **values)
    if departure.choice == DepartureChoice.RETURN:
        departure = services.return_data(departure, now=noon(departure.service_ends_on) + timedelta(hours=1))
    return services.begin_erasing(departure, now=noon(departure.erase_on))


def certified(account=None) -> Departure:
    """Erased, where nothing but what must stay was left."""
    departure = erasing(account, choice=DepartureChoice.DELETE)
    return services.finish_departure(departure, now=noon(departure.erase_on) + timedelta(days=2))


def opened(departure: Departure) -> zipfile.ZipFile:
    """The package as its owner reads it."""
    return zipfile.ZipFile(io.BytesIO(b"".join(crypto.unseal_stream(services.path_of(departure)))))


def rows_in(archive: zipfile.ZipFile, collection: str) -> list[dict]:
    manifest = json.loads(archive.read("manifest.json"))
    (entry,) = [one for one in manifest["collections"] if one["collection"] == collection]
    return json.loads(archive.read(entry["files"][0]["path"]))
