"""Entries are appended and never changed: the trigger refuses everybody, and the app role lacks the privileges too."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are never changed (% refused)', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON ledger_entry FROM portal_app;
"""
BACKWARDS = """
DROP TRIGGER append_only ON ledger_entry;
DROP FUNCTION ledger_is_append_only();
GRANT UPDATE, DELETE ON ledger_entry TO portal_app;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("core", "0001_app_role")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
