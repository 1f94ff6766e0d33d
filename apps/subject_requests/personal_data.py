"""Whom requests are about and who filed them. Addresses are sealed, found by blind index; words are sealed."""

KEY = {"name": "id", "data_categories": ["system.operations"], "fides_meta": {"primary_key": True}}
FILED_BY = {"references": [{"dataset": "portal_accounts", "field": "accounts_user.id", "direction": "from"}]}

DATASET = {
    "fides_key": "portal_subject_requests",
    "name": "Requests of data subjects",
    "description": "What people asked, about whom, and how it was answered",
    "collections": [
        {
            "name": "subject_requests_subjectrequest",
            "fields": [
                KEY,
                {"name": "reference", "data_categories": ["user.unique_id"]},
                {"name": "right", "data_categories": ["user.privacy_preferences"]},
                {"name": "about", "data_categories": ["user.privacy_preferences"]},
                {"name": "received_at", "data_categories": ["user.privacy_preferences"]},
                {"name": "asked_customer_on", "data_categories": ["user.privacy_preferences"]},
                {"name": "closed_at", "data_categories": ["user.privacy_preferences"]},
                {"name": "filed_by_id", "data_categories": ["user.unique_id"], "fides_meta": FILED_BY},
            ],
        },
        {
            "name": "subject_requests_subjectidentifier",
            "fields": [
                KEY,
                {"name": "type", "data_categories": ["system.operations"]},
                {"name": "value", "data_categories": ["user.contact"]},
                {"name": "lookup", "data_categories": ["user.unique_id.pseudonymous"]},
                {"name": "account", "data_categories": ["user.account.account_id"]},
            ],
        },
        {
            "name": "subject_requests_message",
            "fields": [
                KEY,
                {"name": "request_id", "data_categories": ["user.unique_id"]},
                {"name": "author_id", "data_categories": ["user.unique_id"], "fides_meta": FILED_BY},
                {"name": "sent_at", "data_categories": ["user.content.private"]},
                {"name": "body", "data_categories": ["user.content.private"]},
            ],
        },
        {
            "name": "subject_requests_calendarfeed",
            "fields": [
                KEY,
                {"name": "user_id", "data_categories": ["user.unique_id"], "fides_meta": FILED_BY},
                {"name": "created_at", "data_categories": ["user.account.settings"]},
                {"name": "last_used_at", "data_categories": ["user.behavior"]},
            ],
        },
    ],
    "meta": {
        "portal": {
            "store": "portal",
            "capacity": "controller",
            "collections": {
                "subject_requests_subjectrequest": {
                    "label": {"en": "Requests", "nl": "Verzoeken", "ar": "الطلبات"},
                    "clock": "closed_at",
                    "retention": ["dsr_confirmation"],
                },
                "subject_requests_subjectidentifier": {
                    "end_users": True,
                    "label": {
                        "en": "The addresses in this request",
                        "nl": "De adressen in dit verzoek",
                        "ar": "العناوين الواردة في هذا الطلب",
                    },
                    "tenant": "account",
                    "goes_with": {"column": "request_id", "of": "subject_requests_subjectrequest"},
                    "fields": {"value": {"encrypted": True}, "lookup": {"lookup": "hmac"}},
                },
                "subject_requests_message": {
                    "label": {
                        "en": "Messages about requests",
                        "nl": "Berichten over verzoeken",
                        "ar": "رسائل حول الطلبات",
                    },
                    "clock": "sent_at",
                    "goes_with": {"column": "request_id", "of": "subject_requests_subjectrequest"},
                    "fields": {"body": {"encrypted": True, "bound_to": "thread:{id}"}},
                },
                "subject_requests_calendarfeed": {
                    "label": {
                        "en": "Calendar feeds of due dates",
                        "nl": "Agendafeeds van uiterste datums",
                        "ar": "مواعيد الاستحقاق في التقويم",
                    },
                    "clock": "created_at",
                    "goes_with": "user_id",
                },
            },
            "impersonal": {
                "subject_requests_subjectrequest": [
                    "channel",
                    "status",
                    "language",
                    "jurisdiction",
                    "account_id",
                    "form_key",
                    "verified_by_id",
                    "verified_at",
                    "verification",
                    "assigned_to_id",
                    "prepared_by_id",
                    "prepared_at",
                    "approved_by_id",
                    "approved_at",
                    "plan_hash",
                    "waiting_since",
                    "duplicate_of_id",
                    "follows_id",
                    "forgotten_at",
                ],
                "subject_requests_subjectidentifier": ["request_id", "line"],
                "subject_requests_message": ["kind", "from_requester"],
                # The hash of a token tells its owner nothing and opens nothing: it belongs in no package.
                "subject_requests_calendarfeed": ["token_hash", "revoked_at"],
                "subject_requests_part": "*",
                "subject_requests_pause": "*",
                "subject_requests_alert": "*",
                "subject_requests_reveal": "*",
                "subject_requests_storetask": "*",
                "subject_requests_package": "*",
                "subject_requests_downloadlink": "*",
                "subject_requests_certificate": "*",
                "subject_requests_tombstone": "*",
                "subject_requests_pendingerasure": "*",
            },
            # Work on a request, the sealed words of officers in it, and its answers stay as long as the request does;
            # a tombstone outlives it, until the last backup that could hold the rows is gone.
            "goes_with": {
                "subject_requests_part": "request_id",
                "subject_requests_pause": "part_id",
                "subject_requests_alert": "part_id",
                "subject_requests_reveal": "request_id",
                "subject_requests_storetask": "request_id",
                "subject_requests_package": "request_id",
                "subject_requests_downloadlink": "package_id",
                "subject_requests_certificate": "request_id",
                "subject_requests_pendingerasure": "request_id",
            },
        }
    },
}
