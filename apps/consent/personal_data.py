"""What people said about purposes. Events are proof and stay five years after their effect ended (CON-4)."""


def _field(name, *categories, **meta):
    field = {"name": name, "data_categories": list(categories or ["system.operations"])}
    return field | ({"fides_meta": meta} if meta else {})


USER = {"dataset": "portal_accounts", "field": "accounts_user.id", "direction": "from"}
HASHED = {"subject_key": {"lookup": "hmac"}}
# What a customer wrote down about its end users stands in the same tables, and is the customer's: it keeps the proof of
# their consent and the list of their objections for itself, and both go with its other data when it leaves.
OF_TENANTS = {"tenant": "tenant", "capacity_of_tenants": "processor", "clocks": {"service_end": None}}


def _kept(rule):
    """By which rule our own rows stay, and those of customers."""
    return [{"rule": rule, "without": "tenant"}, {"rule": "end_user_consents", "with": "tenant"}]


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
                _field("tenant", "user.account.account_id"),
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
                _field("person", "user.unique_id.pseudonymous", references=[USER]),
                _field("tenant", "user.account.account_id"),
            ],
        },
        {
            "name": "consent_restriction",
            "fields": [
                _field("id", primary_key=True),
                _field("subject_key", "user.unique_id.pseudonymous"),
                _field("person", "user.unique_id.pseudonymous", references=[USER]),
                _field("ground", "user.privacy_preferences"),
                _field("since", "user.privacy_preferences"),
                _field("lifted_at", "user.privacy_preferences"),
                _field("tenant", "user.account.account_id"),
            ],
        },
        {
            "name": "consent_objection",
            "fields": [
                _field("id", primary_key=True),
                _field("subject_key", "user.unique_id.pseudonymous"),
                _field("person", "user.unique_id.pseudonymous", references=[USER]),
                _field("purpose", "user.privacy_preferences"),
                _field("except_for", "user.privacy_preferences"),
                _field("since", "user.privacy_preferences"),
                _field("lifted_at", "user.privacy_preferences"),
                _field("tenant", "user.account.account_id"),
            ],
        },
        {
            "name": "consent_paymentmethod",
            "fields": [
                _field("id", primary_key=True),
                _field("account_id", "user.account.account_id"),
                _field("kind", "user.payment"),
                _field("details", "user.financial"),
                _field("saved_by", "user.unique_id.pseudonymous", references=[USER]),
                _field("created_at", "user.payment"),
                _field("withdrawn_at", "user.behavior"),
                _field("needed_for", "user.payment"),
                _field("needed_until", "user.payment"),
                _field("ended_at"),
            ],
        },
        {
            "name": "consent_subscription",
            "fields": [
                _field("id", primary_key=True),
                _field("lookup", "user.unique_id.pseudonymous", identity="email"),
                _field("address", "user.contact.email"),
                _field("language", "user.demographic.language"),
                _field("confirmed_at", "user.behavior"),
                _field("last_contact_at", "user.behavior"),
            ],
        },
        {
            "name": "consent_removal",
            "fields": [
                _field("id", primary_key=True),
                _field("purpose", "user.privacy_preferences"),
                _field("lookup", "user.unique_id.pseudonymous", identity="email"),
                _field("identities", "user.contact"),
                _field("asked_at", "user.privacy_preferences"),
                _field("saved_from", "user.payment"),
                _field("saved_before", "user.payment"),
                _field("done_at", "user.privacy_preferences"),
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
                    **OF_TENANTS,
                    "clock": "ended_at",
                    "retention": _kept("consent_proof"),
                    "fields": HASHED,
                },
                "consent_state": {
                    "label": {"en": "What you agreed to", "nl": "Waarmee u instemt", "ar": "ما وافقتم عليه"},
                    "tenant": "tenant",
                    "capacity_of_tenants": "processor",
                    "goes_with": {"column": "event", "of": "consent_event"},  # by a trigger: no key leads to a month
                    "fields": HASHED,
                },
                # While they stand they have no end: whom not to write to, we must go on knowing (GDPR 21(3), 18(2)).
                "consent_restriction": {
                    "label": {
                        "en": "Restrictions of processing",
                        "nl": "Beperkingen van de verwerking",
                        "ar": "قيود المعالجة",
                    },
                    **OF_TENANTS,
                    "clock": "lifted_at",
                    "retention": _kept("suppression"),
                    "fields": HASHED,
                },
                "consent_objection": {
                    "label": {"en": "Your objections", "nl": "Uw bezwaren", "ar": "اعتراضاتكم"},
                    **OF_TENANTS,
                    "clock": "lifted_at",
                    "retention": _kept("suppression"),
                    "fields": HASHED,
                },
                "consent_paymentmethod": {
                    "label": {
                        "en": "Saved payment methods of your account",
                        "nl": "Opgeslagen betaalmethoden van uw account",
                        "ar": "وسائل الدفع المحفوظة لحسابك",
                    },
                    "tenant": "account_id",
                    "clock": "ended_at",
                    "clocks": {"created": "created_at"},
                    "retention": ["payment_methods"],
                    "fields": {"details": {"encrypted": True, "bound_to": "payment_method:{id}"}},
                },
                "consent_subscription": {
                    "label": {"en": "Newsletter", "nl": "Nieuwsbrief", "ar": "النشرة الإخبارية"},
                    "clock": "last_contact_at",
                    "clocks": {"last_contact": "last_contact_at"},
                    "retention": ["marketing_prospect"],
                    "fields": {
                        "lookup": {"lookup": "hmac"},
                        "address": {"encrypted": True, "bound_to": "subscription:{id}"},
                    },
                },
                # Proof that a withdrawal or an objection was obeyed (CON-4), as that of a request.
                "consent_removal": {
                    "label": {
                        "en": "Data removed because you said no",
                        "nl": "Gegevens die op uw nee zijn gewist",
                        "ar": "بيانات مُحيت بناءً على رفضك",
                    },
                    "clock": "done_at",
                    "retention": ["dsr_confirmation"],
                    "fields": {
                        "lookup": {"lookup": "hmac"},
                        "identities": {"encrypted": True, "bound_to": "removal:{id}"},
                    },
                },
            },
            "impersonal": {
                "consent_paymentmethod": ["event"],
                "consent_subscription": ["event"],
                "consent_removal": [
                    "event",
                    "rules",
                    "account",
                    "plan_hash",
                    "next_attempt_at",
                    "attempts",
                    "error_code",
                    "counts",
                ],
                "consent_topup": "*",  # terms of a company's mandate; who gave it stands in the event
                "consent_purpose": "*",
                "consent_text": "*",
                "consent_served": "*",
                "consent_range": "*",
                "consent_restriction": ["scope", "source"],
                "consent_objection": ["scope", "source"],
            },
        }
    },
}
