"""The verbs of retention.

- rules: `seed_rules`, `import_rules`, and how they read in words
"""

from apps.retention.services.rules import (
    SCHEDULE,
    Imported,
    current_rules,
    describe_ground,
    describe_period,
    import_rules,
    rules_version,
    seed_rules,
)

__all__ = [
    "SCHEDULE",
    "Imported",
    "current_rules",
    "describe_ground",
    "describe_period",
    "import_rules",
    "rules_version",
    "seed_rules",
]
