"""What people said about purposes. Events are proof and stay five years after their effect ended (CON-4)."""


def _field(name, *categories, **meta):
    field = {"name": name, "data_categories": list(categories or ["system.operations"])}
    return field | ({"fides_meta": meta} if meta else {})


USER = {"dataset": "portal_accounts", "field": "accounts_user.id", "direction": "from"}
HASHED = {"subject_key": {"lookup": "hmac"}}

DATASET = {
    "fides_key": "portal_consent",
    "name": "Consent",
    "description": "What people said yes and no to, with the words they were shown",
    "collections": [
        {
            "name": "consent_event",
            "fields": [
                _field("at", "user.behavior", primary_key=True),
                _field("id", primary_key=True),
                _field("received_at"),
                _field("scope"),
                _field("subject_key", "user.unique_id.pseudonymous"),
                _field("user_id", "user.unique_id.pseudonymous", references=[USER]),
                _field("action", "user.behavior"),
                _field("method", "user.behavior"),
                _field("choices", "user.behavior"),
                _field("text"),
                _field("language", "user.demographic.language"),
                _field("register_version"),
                _field("gpc", "user.behavior"),
                _field("page", "user.behavior"),
                _field("agent", "user.device"),
                _field("previous"),
                _field("ended_at"),
            ],
        },
        {
            "name": "consent_state",
            "fields": [
                _field("scope", primary_key=True),
                _field("subject_key", "user.unique_id.pseudonymous", primary_key=True),
                _field("purpose", primary_key=True),
                _field("is_allowed", "user.behavior"),
                _field("since", "user.behavior"),
                _field("until"),
                _field("event"),
            ],
        },
    ],
    "meta": {
        "portal": {
            "store": "portal",
            "capacity": "controller",
            "collections": {
                "consent_event": {
                    "label": {"en": "Proof of consent", "nl": "Bewijs van toestemming", "ar": "إثبات الموافقة"},
                    "clock": "ended_at",
                    "retention": ["consent_proof"],
                    "fields": HASHED,
                },
                "consent_state": {
                    "label": {"en": "What you agreed to", "nl": "Waarmee u instemt", "ar": "ما وافقتم عليه"},
                    "clock": "until",
                    "retention": ["consent_proof"],
                    "fields": HASHED,
                },
            },
            "impersonal": {
                "consent_purpose": "*",
                "consent_text": "*",
                "consent_served": "*",
                "consent_range": "*",
                "consent_restriction": "*",
                "consent_objection": "*",
            },
        }
    },
}
