"""A plan names nobody in the clear; the people it is about are sealed in it until it is forgotten."""

DATASET = {
    "fides_key": "portal_datamap",
    "name": "Data map",
    "description": "Datasets, stores, plans of erasures and their receipts",
    "collections": [
        {
            "name": "datamap_erasureplan",
            "fields": [
                {"name": "id", "data_categories": ["system.operations"], "fides_meta": {"primary_key": True}},
                {"name": "identities", "data_categories": ["user.contact"]},
                {"name": "seeds", "data_categories": ["user.unique_id"]},
                {"name": "about", "data_categories": ["user.unique_id.pseudonymous"]},
                {"name": "made_by", "data_categories": ["user.unique_id"]},
            ],
        }
    ],
    "meta": {
        "portal": {
            "store": "portal",
            "capacity": "controller",
            "collections": {
                "datamap_erasureplan": {
                    "label": {"en": "Plans of erasure", "nl": "Plannen voor wissen", "ar": "خطط المحو"},
                    "clock": "made_at",
                    # What was planned stays as long as the request that it answered; it is over when it expires.
                    "clocks": {"closed": "expires_at"},
                    "retention": ["dsr_confirmation"],
                    "fields": {
                        "identities": {"encrypted": True, "retention": ["erasure_plans"]},
                        "seeds": {"encrypted": True, "retention": ["erasure_plans"]},
                    },
                }
            },
            "impersonal": {
                "datamap_erasureplan": [
                    "hash", "account", "own", "datasets", "categories", "capacities", "strategy", "map_version",
                    "rules_version", "schema_digests", "stores", "lines", "not_entered", "made_at", "expires_at",
                ],
                "datamap_datasetversion": "*",
                "datamap_store": "*",
                "datamap_plannedkeys": "*",
                "datamap_effect": "*",
            },
            "goes_with": {"datamap_plannedkeys": "plan_id"},
        }
    },
}  # fmt: skip
