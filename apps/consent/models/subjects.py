"""Whom a subject key names, and whose data it is."""

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _


def person_of_key() -> "models.GeneratedField":
    """The person that a key of the form `user:<id>` names: so a search that found the person finds the row.

    A key that is the blind index of an address is found by that.
    """
    text = models.CharField(max_length=64)
    named = Func(F("subject_key"), Value("^user:(.+)$"), function="substring", output_field=text)
    return models.GeneratedField(expression=named, output_field=text, db_persist=True, verbose_name=_("person"))


def is_ours() -> Q:
    """What people said to us, for which we are controller. The rest customers wrote down about their end users: it is
    theirs, and nobody here reads it or hands it out as ours."""
    return ~Q(scope__startswith="account:")


OF_ACCOUNT = "^account:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$"


def tenant_of_scope() -> "models.GeneratedField":
    """The customer account that wrote the row down about its end users, for which we only process; None where people
    said it to us. So a search for a person's own data leaves the former out, and a customer's finds nothing else."""
    named = Func(F("scope"), Value(OF_ACCOUNT), function="substring", output_field=models.CharField(max_length=36))
    return models.GeneratedField(
        expression=Cast(named, models.UUIDField()),
        output_field=models.UUIDField(),
        db_persist=True,
        verbose_name=_("customer account"),
    )
