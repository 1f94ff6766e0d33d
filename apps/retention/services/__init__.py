"""The verbs of retention.

- rules: `seed_rules`, `import_rules` (CSV), `import_rule_file`, `export_rules` (YAML), `lint_rules`, and how they read
  in words
"""

from apps.retention.services.holds import (
    HoldScope,
    alert_hold_owner,
    check_scope,
    count_covered,
    extend_review,
    holds_to_alert,
    lift_hold,
    place_hold,
    reveal_hold,
    skipped_in_sweeps,
    stopped_elsewhere,
)
from apps.retention.services.rules import (
    SCHEDULE,
    Imported,
    current_rules,
    describe_ground,
    describe_period,
    export_rules,
    import_rule_file,
    import_rules,
    lint_rules,
    rules_version,
    seed_rules,
)

__all__ = [
    "SCHEDULE",
    "HoldScope",
    "Imported",
    "alert_hold_owner",
    "check_scope",
    "count_covered",
    "current_rules",
    "describe_ground",
    "describe_period",
    "export_rules",
    "extend_review",
    "holds_to_alert",
    "import_rule_file",
    "import_rules",
    "lift_hold",
    "lint_rules",
    "place_hold",
    "reveal_hold",
    "rules_version",
    "seed_rules",
    "skipped_in_sweeps",
    "stopped_elsewhere",
]
