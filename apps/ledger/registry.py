"""All verbs that evidence may use, gathered from every app's `verbs.py`; an unknown one fails."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps


@cache
def verbs() -> dict[str, str]:
    """Dotted verb -> translatable sentence with %(fact)s places."""
    known: dict[str, str] = {}
    for config in apps.get_app_configs():
        if config.name.startswith("apps.") and find_spec(f"{config.name}.verbs"):
            for verb, sentence in import_module(f"{config.name}.verbs").VERBS.items():
                if verb in known:
                    raise ValueError(f"The verb {verb} is registered twice.")
                known[verb] = sentence
    return known
