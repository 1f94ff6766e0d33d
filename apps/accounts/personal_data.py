"""What the portal stores about the people who sign in: our own tables, and those of allauth, sessions and Django."""


def _field(name, *categories, **meta):
    field = {"name": name, "data_categories": list(categories or ["system.operations"])}
    return field | ({"fides_meta": meta} if meta else {})


def _key(name="id"):
    return _field(name, "user.unique_id.pseudonymous", primary_key=True)


def _of(column, target):
    """A column that points at the person."""
    reference = {"dataset": "portal_accounts", "field": target, "direction": "from"}
    return _field(column, "user.unique_id.pseudonymous", references=[reference])


DATASET = {
    "fides_key": "portal_accounts",
    "name": "People who sign in",
    "description": "Customers' people and staff: contact points, roles, second factors, sessions",
    "collections": [
        {
            "name": "accounts_user",
            "fields": [
                _key(),
                _field("email", "user.contact.email", identity="email"),
                _field("email_verified_at"),
                _field("full_name", "user.name"),
                # No identity: two people may give one number, and a sign-in is keyed to its address alone.
                _field("phone_number", "user.contact.phone_number"),
                _field("phone_verified_at"),
                _field("language", "user.demographic.language"),
                _field("password", "user.authorization.password"),
                _field("last_login", "user.behavior"),
                _field("is_active", "user.account.settings"),
                _field("created_at", "user.account"),
            ],
        },
        {
            "name": "accounts_membership",
            "fields": [
                _key(),
                _of("user_id", "accounts_user.id"),
                _field("role", "user.job_title"),
                _field("since", "user.account"),
            ],
        },
        {
            "name": "accounts_staffrole",
            "fields": [
                _key(),
                _of("user_id", "accounts_user.id"),
                _field("role", "user.job_title"),
                _field("granted_at", "user.account"),
            ],
        },
        {
            "name": "accounts_invitation",
            "fields": [
                _key(),
                _field("email", "user.contact.email", identity="email"),
                _field("role", "user.job_title"),
            ],
        },
        {
            "name": "accounts_stepupcode",
            "fields": [_key(), _of("user_id", "accounts_user.id"), _field("sent_at", "user.behavior")],
        },
        {
            "name": "accounts_apitoken",
            "fields": [
                _field("id", primary_key=True),
                _of("created_by_id", "accounts_user.id"),
                _field("created_at", "user.behavior"),
            ],
        },
        {
            "name": "account_emailaddress",
            "fields": [
                _field("id", primary_key=True),
                _of("user_id", "accounts_user.id"),
                _field("email", "user.contact.email", identity="email"),
                _field("verified"),
            ],
        },
        {
            "name": "mfa_authenticator",
            "fields": [
                _field("id", primary_key=True),
                _of("user_id", "accounts_user.id"),
                _field("type", "user.account.settings"),
                _field("data", "user.authorization.credentials"),
                _field("created_at", "user.account"),
                _field("last_used_at", "user.behavior"),
            ],
        },
        {
            "name": "usersessions_usersession",
            "fields": [
                _field("id", primary_key=True),
                _of("user_id", "accounts_user.id"),
                _field("ip", "user.device.ip_address"),
                _field("user_agent", "user.device"),
                _field("created_at", "user.behavior"),
                _field("last_seen_at", "user.behavior"),
            ],
        },
    ],
    "meta": {
        "portal": {
            "store": "portal",
            "capacity": "controller",
            "collections": {
                "account_emailaddress": {
                    "label": {
                        "en": "E-mail addresses for signing in",
                        "nl": "E-mailadressen om in te loggen",
                        "ar": "عناوين البريد لتسجيل الدخول",
                    },
                    "goes_with": "user_id",
                },
                "mfa_authenticator": {
                    "label": {"en": "Second factors", "nl": "Tweede factoren", "ar": "عوامل التحقق الثانية"},
                    "goes_with": "user_id",
                },
                # The period starts when the service ends, which no column of a person says: it has no date yet.
                # What belongs to a sign-in (memberships, roles, addresses, factors) has no period of its own.
                "accounts_user": {
                    "label": {"en": "People who sign in", "nl": "Mensen die inloggen", "ar": "أصحاب حسابات الدخول"},
                    "retention": ["service_account"],
                },
                "accounts_membership": {
                    "label": {
                        "en": "Memberships of accounts",
                        "nl": "Lidmaatschappen van accounts",
                        "ar": "العضويات في الحسابات",
                    },
                    "clock": "since",
                    "goes_with": "user_id",
                },
                "accounts_staffrole": {
                    "label": {"en": "Roles of staff", "nl": "Rollen van medewerkers", "ar": "أدوار الموظفين"},
                    "clock": "granted_at",
                    "goes_with": "user_id",
                },
                "accounts_invitation": {
                    "label": {"en": "Invitations", "nl": "Uitnodigingen", "ar": "الدعوات"},
                    "clock": "invited_at",
                    "retention": ["security_logs"],
                },
                "accounts_stepupcode": {
                    "label": {
                        "en": "Codes sent for checking",
                        "nl": "Verstuurde controlecodes",
                        "ar": "رموز التحقق المرسلة",
                    },
                    "clock": "sent_at",
                    "retention": ["security_logs"],
                },
                # A token stops with the role of whoever made it, so it goes with that person.
                "accounts_apitoken": {
                    "label": {"en": "API tokens made", "nl": "Gemaakte API-tokens", "ar": "رموز API التي أُنشئت"},
                    "goes_with": "created_by_id",
                },
                "usersessions_usersession": {
                    "label": {"en": "Sessions", "nl": "Sessies", "ar": "الجلسات"},
                    "clock": "created_at",
                    "retention": ["security_logs"],
                },
            },
            "impersonal": {
                "accounts_customeraccount": "*",  # a company
                "accounts_membership": ["account_id"],
                "accounts_invitation": ["account_id", "invited_at", "expires_at", "accepted_at"],
                "accounts_stepupcode": ["session", "purpose", "channel", "digest", "tries", "expires_at", "used_at"],
                "accounts_apitoken": [
                    *("account_id", "name", "prefix", "digest", "scopes", "last_used_on", "expires_at", "revoked_at"),
                ],
                "accounts_limit": "*",  # keyed digests and instants
                "account_emailaddress": ["primary"],
                "account_emailconfirmation": "*",  # not written: addresses are confirmed by code
                # The key of a session is as good as a password: it belongs in no package. A session dies in 8 hours.
                "usersessions_usersession": ["session_key", "data"],
                "django_session": "*",
                "auth_group": "*",
                "auth_group_permissions": "*",
                "auth_permission": "*",
                "django_content_type": "*",
            },
            "goes_with": {"account_emailconfirmation": "email_address_id"},
        }
    },
}
