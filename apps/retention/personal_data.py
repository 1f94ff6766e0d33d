"""Retention rules, sweeps and measurements are about kinds of data, never about a person. A hold may be about one: its
identities are sealed and declared impersonal, because nobody may learn from an answer that a hold stands."""

DATASET = {
    "fides_key": "portal_retention",
    "name": "Retention rules",
    "collections": [],
    "meta": {
        "portal": {
            "store": "portal",
            "capacity": "controller",
            "impersonal": {
                "retention_rule": "*",
                "retention_rulechange": "*",
                "retention_hold": "*",
                "retention_sweep": "*",
                "retention_sweeptask": "*",
                "retention_sweepbatch": "*",
                "retention_sweeppause": "*",
                "retention_chosenperiod": "*",
                "retention_departure": "*",
                "retention_measurement": "*",
                "retention_statistic": "*",
                "retention_clockreading": "*",
            },
        }
    },
}
