"""Retention rules are about kinds of data, never about a person."""

DATASET = {
    "fides_key": "portal_retention",
    "name": "Retention rules",
    "collections": [],
    "meta": {"portal": {"store": "portal", "capacity": "controller", "impersonal": {"retention_rule": "*"}}},
}
