"""Whom a subject key names."""

from django.db import models
from django.db.models import F, Func, Value
from django.utils.translation import gettext_lazy as _


def person_of_key() -> "models.GeneratedField":
    """The person that a key of the form `user:<id>` names: so a search that found the person finds the row.

    A key that is the blind index of an address is found by that.
    """
    text = models.CharField(max_length=64)
    named = Func(F("subject_key"), Value("^user:(.+)$"), function="substring", output_field=text)
    return models.GeneratedField(expression=named, output_field=text, db_persist=True, verbose_name=_("person"))
