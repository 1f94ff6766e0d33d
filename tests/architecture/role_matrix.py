"""Who may open which address. Every named address of the portal stands here; `test_role_matrix.py` executes each cell.

A row names the roles that get in, with the methods it is asked by. Whoever is not named gets 404, 403 or the sign-in
page. `needs` names the object in the address; it is made for Acme, by its privacy officer (see `test_role_matrix.py`).
"""

from dataclasses import dataclass

ROLES = (
    *("anonymous", "member", "privacy", "owner"),
    *("stranger",),  # a privacy officer of another customer account
    *("officer", "admin", "dpo", "auditor"),
)
EVERYBODY = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()
SIGNED_IN = EVERYBODY - {"anonymous"}
OF_ACME = frozenset({"member", "privacy", "owner"})
CUSTOMERS = OF_ACME | {"stranger"}
STAFF = frozenset({"officer", "admin", "dpo", "auditor"})


@dataclass(frozen=True)
class Row:
    who: frozenset[str]
    methods: tuple[str, ...] = ("get",)
    needs: str = ""
    is_step: bool = False  # in the middle of a flow: whoever is not in it is sent back, whatever the role


POST = ("post",)
FORM = ("get", "post")

STEP = Row(EVERYBODY, FORM, is_step=True)
ADMIN = frozenset({"admin"})
OWNER_OF_ACME = frozenset({"owner"})

CORE = {
    "healthz": Row(EVERYBODY),
    "readyz": Row(EVERYBODY),
}
DASHBOARD = {
    "dashboard:centre": Row(EVERYBODY),
    "dashboard:contact": Row(EVERYBODY),
    "dashboard:components": Row(EVERYBODY, FORM),  # where SHOW_COMPONENTS is on, as it is in tests
    "dashboard:home": Row(SIGNED_IN),
    "dashboard:theme": Row(EVERYBODY, POST),
    "dashboard:evidence": Row(frozenset({"dpo", "auditor"})),
    "dashboard:outbox": Row(frozenset({"admin", "dpo", "auditor"})),
}
SIGN_IN = {
    "account_login": Row(EVERYBODY, FORM),
    "account_logout": Row(EVERYBODY, FORM),
    "account_signup": Row(EVERYBODY, FORM),
    "account_inactive": Row(EVERYBODY),
    "account_reset_password": Row(EVERYBODY, FORM),
    "account_password_reset_completed": Row(EVERYBODY),
    "account_complete_password_reset": STEP,
    "account_confirm_login_code": STEP,
    "account_confirm_password_reset_code": STEP,
    "account_email_verification_sent": STEP,
    "account_verify_phone": STEP,
    "mfa_authenticate": STEP,
    "set_language": Row(EVERYBODY, POST),
}
OWN_ACCOUNT = {
    "account_settings": Row(SIGNED_IN, FORM),
    "account_accept": Row(frozenset({"member"}), POST, "invitation_to_member"),
    "account_change_password": Row(SIGNED_IN, FORM),
    "account_set_password": Row(SIGNED_IN, FORM),
    "account_change_phone": Row(SIGNED_IN, FORM),
    "account_email": Row(SIGNED_IN, FORM),
    "account_reauthenticate": Row(SIGNED_IN, FORM),
    "account_step_up": Row(SIGNED_IN, FORM),
    "usersessions_list": Row(SIGNED_IN),
    "usersessions_end": Row(SIGNED_IN, FORM),
    "mfa_index": Row(SIGNED_IN),
    "mfa_reauthenticate": Row(SIGNED_IN, FORM),
    "mfa_reauthenticate_webauthn": Row(SIGNED_IN, FORM),
    "mfa_activate_totp": Row(SIGNED_IN, FORM),
    "mfa_deactivate_totp": Row(STAFF, FORM),  # whoever has an authenticator app: here the staff
    "mfa_add_webauthn": Row(SIGNED_IN, FORM),
    "mfa_list_webauthn": Row(SIGNED_IN),
    "mfa_edit_webauthn": Row(frozenset({"member"}), FORM, "key_of_member"),
    "mfa_remove_webauthn": Row(frozenset({"member"}), FORM, "key_of_member"),
    "mfa_generate_recovery_codes": Row(SIGNED_IN, FORM),
    "mfa_view_recovery_codes": Row(NOBODY),  # shown once, when they are made
    "mfa_download_recovery_codes": Row(NOBODY),
}
TEAM = {
    "account_team": Row(OWNER_OF_ACME, FORM, "team"),
    "account_member_role": Row(OWNER_OF_ACME, POST, "member_of_team"),
    "account_member_remove": Row(OWNER_OF_ACME, FORM, "member_of_team"),
    "account_invitation_withdraw": Row(OWNER_OF_ACME, POST, "invitation_of_team"),
}
TOKENS = {
    "account_tokens": Row(OWNER_OF_ACME, needs="team"),
    "account_token_new": Row(OWNER_OF_ACME, FORM, "team"),
    "account_token_revoke": Row(OWNER_OF_ACME, FORM, "a_token"),
}
PEOPLE = {
    "people": Row(frozenset({"admin", "dpo"})),
    "people_grant": Row(ADMIN, POST),
    "people_revoke": Row(ADMIN, FORM, "colleague"),
    "people_access": Row(ADMIN, FORM, "colleague"),
}
# The request in these addresses is about an end user of Acme, filed by its privacy officer.
SPEAK_FOR_ACME = frozenset({"privacy", "owner"})
WHO_FILED = frozenset({"privacy"})
REQUESTS = {
    "subject_requests:home": Row(SIGNED_IN),  # staff are sent on to their own first page
    "subject_requests:list": Row(SIGNED_IN),
    "subject_requests:new": Row(CUSTOMERS, FORM),
    "subject_requests:question": Row(CUSTOMERS, FORM, "first_question"),
    "subject_requests:check": Row(CUSTOMERS, FORM),
    "subject_requests:sent": Row(WHO_FILED, needs="a_request"),
    "subject_requests:detail": Row(SPEAK_FOR_ACME, needs="a_request"),
    "subject_requests:progress": Row(SPEAK_FOR_ACME, needs="a_request"),
    "subject_requests:message": Row(WHO_FILED, POST, "a_request"),
    "subject_requests:withdraw": Row(SPEAK_FOR_ACME, FORM, "a_request"),
    "subject_requests:files": Row(WHO_FILED, FORM, "a_package"),
    "subject_requests:mint": Row(WHO_FILED, POST, "a_package"),
    "subject_requests:download": Row(WHO_FILED, needs="a_link"),
}
DESK = {
    "desk:queue": Row(frozenset({"officer", "dpo"})),
    "desk:keys": Row(frozenset({"officer", "dpo"}), FORM),
    "desk:choose": Row(frozenset({"officer"}), POST),
    "desk:bulk": Row(frozenset({"officer"})),
    "desk:bulk_step": Row(frozenset({"officer"}), POST, "a_bulk_step"),
    "desk:move": Row(frozenset({"officer"}), POST, "a_request"),
    "desk:overview": Row(frozenset({"officer", "dpo"})),
    "desk:calendar_make": Row(frozenset({"officer", "dpo"}), FORM),
    "desk:calendar_revoke": Row(frozenset({"officer", "dpo"}), POST),
    "desk:calendar": Row(EVERYBODY, needs="a_calendar"),  # the token is the key: a calendar has no session
    "desk:detail": Row(frozenset({"officer", "dpo"}), needs="a_request"),
    "desk:progress": Row(frozenset({"officer", "dpo"}), needs="a_request"),
    "desk:act": Row(frozenset({"officer"}), POST, "a_step"),
}
# For everybody but officers and the data protection officer there are no legal holds (T63).
READS_HOLDS = frozenset({"officer", "dpo"})
HOLDS = {
    "retention:holds": Row(READS_HOLDS),
    "retention:hold_new": Row(frozenset({"officer"}), FORM),
    "retention:hold": Row(READS_HOLDS, needs="a_hold"),
    "retention:hold_review": Row(frozenset({"officer"}), FORM, "a_hold"),
    "retention:hold_reveal": Row(READS_HOLDS, FORM, "a_hold"),
    "retention:hold_lift": Row(frozenset({"officer"}), FORM, "a_hold"),
}
PROCESSORS = {
    "processors:list": Row(EVERYBODY),
    "processors:download": Row(EVERYBODY),
    "processors:register": Row(STAFF),
    "processors:entry": Row(STAFF, needs="an_engagement"),
    "processors:add": Row(ADMIN, FORM),
    "processors:edit": Row(ADMIN, FORM, "an_engagement"),
    "processors:end": Row(ADMIN, FORM, "an_engagement"),
    "processors:drop": Row(ADMIN, FORM, "an_engagement"),
}
RETENTION = {
    "retention:page": Row(EVERYBODY),
    "retention:spreadsheet": Row(EVERYBODY),
    "retention:data": Row(EVERYBODY),
    "retention:overview": Row(STAFF),
    "retention:sweep": Row(STAFF, needs="a_sweep"),
    "retention:sweep_progress": Row(STAFF, needs="a_sweep"),
    "retention:sweep_approve": Row(frozenset({"officer"}), FORM, "a_sweep"),
    "retention:sweep_cancel": Row(frozenset({"officer"}), FORM, "a_sweep"),
    "retention:sweep_spreadsheet": Row(STAFF, needs="a_sweep"),
    "retention:sweep_data": Row(STAFF, needs="a_sweep"),
}
DESK_OF_LEAVING = frozenset({"officer", "dpo", "admin"})
LEAVING = {
    "retention:account": Row(OWNER_OF_ACME, needs="team"),
    "retention:choose": Row(OWNER_OF_ACME, FORM, "a_choice"),
    "retention:leave": Row(OWNER_OF_ACME, FORM, "team"),
    "retention:stay": Row(OWNER_OF_ACME, FORM, "a_departure"),
    "retention:package": Row(OWNER_OF_ACME, POST, "a_departure"),
    "retention:certificate": Row(OWNER_OF_ACME | DESK_OF_LEAVING, needs="a_certificate"),
    "retention:certificate_data": Row(OWNER_OF_ACME | DESK_OF_LEAVING, needs="a_certificate"),
    "retention:departures": Row(DESK_OF_LEAVING),
    "retention:departure_new": Row(frozenset({"officer"}), FORM),
    "retention:departure_over": Row(frozenset({"officer"}), FORM, "a_certificate"),
}
RULES = {
    "retention:rules": Row(STAFF),
    "retention:rules_export": Row(STAFF),
    "retention:rules_file": Row(ADMIN, FORM),
    "retention:rule_new": Row(ADMIN, FORM),
    "retention:rule": Row(STAFF, needs="a_rule"),
    "retention:rule_edit": Row(ADMIN, FORM, "a_rule"),
    "retention:rule_end": Row(ADMIN, FORM, "a_rule"),
    "retention:rule_change": Row(STAFF, needs="a_change_of_a_rule"),
    "retention:rule_decide": Row(ADMIN, POST, "a_decision_on_a_rule"),
}
FINANCE = {
    "consent:finance": Row(OWNER_OF_ACME, needs="team"),
    "consent:payment_method": Row(OWNER_OF_ACME, FORM, "a_payment_method"),
    "consent:withdraw_payment_method": Row(OWNER_OF_ACME, POST, "team"),
    "consent:top_up": Row(OWNER_OF_ACME, FORM, "team"),
    "consent:withdraw_top_up": Row(OWNER_OF_ACME, POST, "team"),
}
RECEIPTS = {
    "consent:own": Row(SIGNED_IN),
    "consent:receipt": Row(OWNER_OF_ACME, needs="a_consent"),
    "consent:receipt_keys": Row(EVERYBODY),
    "consent:receipt_verify": Row(EVERYBODY, POST),
    "cookies:receipt": Row(NOBODY),  # the browser's cookie is the key: no sign-in, and nothing in the address
}
CONSENTS = {
    "consent:overview": Row(frozenset({"officer", "dpo", "auditor"})),
    "consent:search": Row(frozenset({"officer", "dpo"}), FORM),
    "consent:history": Row(frozenset({"officer", "dpo"}), needs="a_subject"),
    "consent:export": Row(frozenset({"officer"}), POST, "a_history_file"),
    "consent:purposes": Row(STAFF),
    "consent:purpose": Row(STAFF, needs="a_purpose"),
    "consent:purpose_new": Row(ADMIN, FORM),
    "consent:purpose_edit": Row(ADMIN, FORM, "a_purpose"),
    "consent:purpose_end": Row(ADMIN, FORM, "a_purpose"),
}
MARKETING = {  # a signed link is the key: whoever holds it needs no sign-in
    "consent:newsletter": Row(EVERYBODY, FORM),
    "consent:newsletter_confirm": Row(EVERYBODY, FORM, "a_link_to_confirm"),
    "consent:unsubscribe": Row(EVERYBODY, FORM, "a_link_to_unsubscribe"),
    "consent:preferences_ask": Row(EVERYBODY, FORM),
    "consent:preferences": Row(EVERYBODY, FORM, "a_link_to_preferences"),
    "consent:enrichment": Row(EVERYBODY, FORM, "a_link_to_preferences"),
    "consent:own_preferences": Row(SIGNED_IN, FORM),
    "consent:own_enrichment": Row(SIGNED_IN, FORM),
}
DEMO = {
    "demo:home": Row(EVERYBODY),  # where DEMO is on, as it is in tests
    "demo:page": Row(EVERYBODY, needs="a_demo_page"),
    "demo:hits": Row(EVERYBODY),
    "demo:stranger": Row(NOBODY, needs="a_demo_tag"),  # only under the names of the third parties
}
# A page gets in by its origin and a system by its token, never by who is signed in (tests/consent).
MACHINES = {
    "cookies:ingest": Row(NOBODY, POST),
    "cookies:handover": Row(NOBODY, POST),
    "consent:report": Row(NOBODY, POST),
    "consent:check": Row(NOBODY, FORM),
    "consent:check_restrictions": Row(NOBODY, FORM),
}
COOKIES = {
    "cookies:page": Row(EVERYBODY, FORM),
    "cookies:continue": Row(NOBODY),  # without an address to go on to there is no such page
    "cookies:gpc": Row(EVERYBODY),
    "cookies:script": Row(EVERYBODY),
    "cookies:banner": Row(EVERYBODY, needs="a_banner"),
    "cookies:table": Row(EVERYBODY, needs="a_table"),
    "cookies:register": Row(STAFF),
    "cookies:site": Row(STAFF, needs="a_site"),
    "cookies:add_site": Row(ADMIN, FORM),
    "cookies:edit_site": Row(ADMIN, FORM, "a_site"),
    "cookies:publish": Row(ADMIN, POST, "a_site"),
    "cookies:entry": Row(STAFF, needs="a_cookie"),
    "cookies:add": Row(ADMIN, FORM),
    "cookies:edit": Row(ADMIN, FORM, "a_cookie"),
    "cookies:end": Row(ADMIN, FORM, "a_cookie"),
    "cookies:drop": Row(ADMIN, FORM, "a_cookie"),
}
AREAS: dict[str, dict[str, Row]] = {
    "core": CORE,
    "dashboard": DASHBOARD,
    "sign-in": SIGN_IN,
    "own account": OWN_ACCOUNT,
    "team": TEAM,
    "tokens": TOKENS,
    "people": PEOPLE,
    "requests": REQUESTS,
    "desk": DESK,
    "holds": HOLDS,
    "processors": PROCESSORS,
    "cookies": COOKIES,
    "rules": RULES,
    "retention": RETENTION,
    "leaving": LEAVING,
    "machines": MACHINES,
    "finance": FINANCE,
    "receipts": RECEIPTS,
    "consents": CONSENTS,
    "marketing": MARKETING,
    "demo site": DEMO,
}
MATRIX = {name: row for area in AREAS.values() for name, row in area.items()}
