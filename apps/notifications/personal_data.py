"""Addresses and contents of messages are sealed; `about` names the object that a message belongs to, by id."""

DATASET = {
    "fides_key": "portal_notifications",
    "name": "Outbox",
    "description": "Messages to be delivered and delivered ones",
    "collections": [
        {
            "name": "notifications_outgoingmessage",
            "fields": [
                {"name": "id", "data_categories": ["system.operations"], "fides_meta": {"primary_key": True}},
                {"name": "address", "data_categories": ["user.contact"]},
                {"name": "context", "data_categories": ["user.content.private"]},
            ],
        }
    ],
    "meta": {
        "portal": {
            "store": "portal",
            "capacity": "controller",
            "collections": {
                "notifications_outgoingmessage": {
                    "label": {
                        "en": "Mail and text messages to you",
                        "nl": "E-mails en sms’jes aan u",
                        "ar": "الرسائل المرسلة إليك",
                    },
                    "clock": "created_at",
                    "retention": ["outbox"],
                    "fields": {"address": {"encrypted": True}, "context": {"encrypted": True}},
                }
            },
            "impersonal": {
                "notifications_outgoingmessage": [
                    "key",
                    "channel",
                    "template",
                    "language",
                    "about",
                    "created_at",
                    "next_attempt_at",
                    "attempts",
                    "delivered_at",
                    "gave_up_at",
                    "error_code",
                ]
            },
        }
    },
}
