"""The register is about companies, never about a person."""

DATASET = {
    "fides_key": "portal_processors",
    "name": "Register of processors",
    "collections": [],
    "meta": {
        "portal": {
            "store": "portal",
            "capacity": "controller",
            "impersonal": {"processors_processor": "*", "processors_engagement": "*"},
        }
    },
}
