"""Evidence holds ids, codes, dates, counts and digests: nothing here identifies a person without the other tables."""

DATASET = {
    "fides_key": "portal_ledger",
    "name": "Evidence",
    "collections": [],
    "meta": {"portal": {"store": "portal", "impersonal": {"ledger_entry": "*"}}},
}
