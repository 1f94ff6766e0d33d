"""Whose data a row is: what a customer wrote down about its end users names the customer's account.

The database goes on refusing to change such a row, and lets it go when the customer's service has ended: the proof is
the customer's. When that is, a migration of the app that knows (retention) says; until then it is never.
"""

from django.db import migrations, models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast

OF_ACCOUNT = "^account:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$"

LEFT = """
CREATE FUNCTION consent_account_left(account uuid) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT false $$;
CREATE FUNCTION consent_some_account_left(since date) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT false $$;

CREATE FUNCTION consent_may_go(ended_at timestamptz, tenant uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF tenant IS NOT NULL THEN
        RETURN consent_account_left(tenant);
    END IF;
    RETURN coalesce((ended_at AT TIME ZONE 'UTC')::date + interval '5 years' < consent_today(), false);
END $$;
"""
NEVER_LEFT = """
DROP FUNCTION consent_may_go(timestamptz, uuid);
DROP FUNCTION consent_some_account_left(date);
DROP FUNCTION consent_account_left(uuid);
"""

# A trigger before the write sees no generated column in NEW.
FACT = """
CREATE OR REPLACE FUNCTION consent_event_is_a_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF %(may_go)s THEN
            RETURN OLD;
        END IF;
    ELSIF to_jsonb(NEW) - 'ended_at' %(less)s = to_jsonb(OLD) - 'ended_at' %(less)s
          AND NEW.ended_at <= coalesce(OLD.ended_at, 'infinity') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'consent events are facts (%% refused)', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE FUNCTION consent_drop_month(month regclass) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept boolean;
    gone bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = month AND inhparent = 'consent_event'::regclass) THEN
        RAISE EXCEPTION '%% is no month of consent events', month;
    END IF;
    EXECUTE format('LOCK TABLE %%s IN SHARE ROW EXCLUSIVE MODE', month);
    EXECUTE format('SELECT count(*), coalesce(bool_or(%(stays)s), false) FROM %%s', month) INTO gone, kept;
    IF kept THEN
        RAISE EXCEPTION 'consent events are facts (a month with proof in it stays)'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    EXECUTE format('DELETE FROM consent_state s USING %%s e WHERE s.event = e.id', month);
    EXECUTE format('ALTER TABLE consent_event DETACH PARTITION %%s', month);
    EXECUTE format('DROP TABLE %%s', month);
    RETURN gone;
END $$;
"""
BY_TENANT = {
    "may_go": "consent_may_go(OLD.ended_at, OLD.tenant)",
    "less": "- 'tenant'",
    "stays": "NOT consent_may_go(ended_at, tenant)",
}
BY_END = {
    "may_go": "(OLD.ended_at AT TIME ZONE 'UTC')::date + interval '5 years' < consent_today()",
    "less": "",
    "stays": "ended_at IS NULL OR (ended_at AT TIME ZONE ''UTC'')::date + interval ''5 years'' >= consent_today()",
}
MODELS = ("event", "state", "restriction", "objection")


def tenant():
    """The account that a scope of the form `account:<id>` names."""
    named = Func(F("scope"), Value(OF_ACCOUNT), function="substring", output_field=models.CharField(max_length=36))
    return models.GeneratedField(
        db_persist=True,
        expression=Cast(named, models.UUIDField()),
        output_field=models.UUIDField(),
        verbose_name="customer account",
    )


def by_tenant(model):
    return models.Index(fields=["tenant"], name=f"{model}_by_tenant", condition=Q(tenant__isnull=False))


class Migration(migrations.Migration):
    dependencies = [("consent", "0005_event_by_actor")]
    operations = [
        *(migrations.AddField(model, "tenant", tenant()) for model in MODELS),
        *(migrations.AddIndex(model, by_tenant(model)) for model in MODELS),
        migrations.RunSQL(LEFT, NEVER_LEFT),
        migrations.RunSQL(FACT % BY_TENANT, FACT % BY_END),
    ]
