"""Events lie in partitions by month, and are facts: nobody changes one, and none goes before its time.

A row may only get an end, or an earlier one. It may be deleted, and a month dropped, five years after the end (CON-4):
the database refuses earlier, whoever asks. The app role owns neither, so two functions of the owner make months ahead
and drop those that have run out.
"""

from django.db import migrations, models

TABLE = """
CREATE TABLE consent_event (
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    scope varchar(60) NOT NULL,
    subject_key varchar(64) NOT NULL,
    user_id uuid NULL,
    action varchar(12) NOT NULL,
    method varchar(12) NOT NULL,
    choices jsonb NOT NULL,
    text varchar(64) NOT NULL,
    language varchar(5) NOT NULL,
    register_version integer NULL CHECK (register_version >= 0),
    gpc boolean NULL,
    page varchar(200) NOT NULL,
    agent varchar(40) NOT NULL,
    previous uuid NULL,
    ended_at timestamptz NULL,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX event_by_subject ON consent_event (scope, subject_key, at);
CREATE INDEX event_by_receipt ON consent_event (received_at);
CREATE INDEX event_by_end ON consent_event (ended_at);
"""
NO_TABLE = "DROP TABLE consent_event"

FACTS = """
CREATE FUNCTION consent_today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT (now() AT TIME ZONE 'UTC')::date $$;

CREATE FUNCTION consent_event_is_a_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF (OLD.ended_at AT TIME ZONE 'UTC')::date + interval '5 years' < consent_today() THEN
            RETURN OLD;
        END IF;
    ELSIF to_jsonb(NEW) - 'ended_at' = to_jsonb(OLD) - 'ended_at'
          AND NEW.ended_at <= coalesce(OLD.ended_at, 'infinity') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'consent events are facts (% refused)', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER fact BEFORE UPDATE OR DELETE ON consent_event
    FOR EACH ROW EXECUTE FUNCTION consent_event_is_a_fact();

CREATE FUNCTION consent_text_is_a_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'texts as shown are never changed (% refused)', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER fact BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_text
    FOR EACH STATEMENT EXECUTE FUNCTION consent_text_is_a_fact();

REVOKE UPDATE, TRUNCATE ON consent_event FROM portal_app;
GRANT UPDATE (ended_at) ON consent_event TO portal_app;
REVOKE UPDATE, DELETE, TRUNCATE ON consent_text FROM portal_app;
"""
NO_FACTS = """
DROP TRIGGER fact ON consent_text;
DROP FUNCTION consent_text_is_a_fact();
DROP TRIGGER fact ON consent_event;
DROP FUNCTION consent_event_is_a_fact();
DROP FUNCTION consent_today();
GRANT UPDATE, DELETE ON consent_text TO portal_app;
"""

MONTHS = """
CREATE FUNCTION consent_make_month(any_day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', any_day)::date;
    name text := 'consent_event_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF consent_event FOR VALUES FROM (%L) TO (%L)', name,
                   first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
    EXECUTE format('REVOKE ALL ON %I FROM portal_app', name);
    EXECUTE format('GRANT SELECT ON %I TO portal_app', name);
    RETURN true;
END $$;

CREATE FUNCTION consent_drop_month(month regclass) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept boolean;
    gone bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = month AND inhparent = 'consent_event'::regclass) THEN
        RAISE EXCEPTION '% is no month of consent events', month;
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', month);
    EXECUTE format('SELECT count(*), coalesce(bool_or(ended_at IS NULL OR '
                   '(ended_at AT TIME ZONE ''UTC'')::date + interval ''5 years'' >= consent_today()), false) FROM %s', month)
        INTO gone, kept;
    IF kept THEN
        RAISE EXCEPTION 'consent events are facts (a month with proof in it stays)'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    EXECUTE format('ALTER TABLE consent_event DETACH PARTITION %s', month);
    EXECUTE format('DROP TABLE %s', month);
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION consent_make_month(date), consent_drop_month(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION consent_make_month(date), consent_drop_month(regclass) TO portal_app;
SELECT consent_make_month((now() + make_interval(months => n))::date) FROM generate_series(-2, 2) n;
"""
NO_MONTHS = """
DROP FUNCTION consent_drop_month(regclass);
DROP FUNCTION consent_make_month(date);
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_consent"), ("core", "0001_app_role")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLE, NO_TABLE)],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "at", "id", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("id", models.UUIDField()),
                        ("at", models.DateTimeField(verbose_name="at")),
                        ("received_at", models.DateTimeField(verbose_name="received at")),
                        ("scope", models.CharField(max_length=60, verbose_name="scope")),
                        ("subject_key", models.CharField(max_length=64, verbose_name="subject key")),
                        ("user_id", models.UUIDField(blank=True, null=True, verbose_name="person signed in")),
                        (
                            "action",
                            models.CharField(
                                choices=[
                                    ("given", "given"),
                                    ("renewed", "renewed"),
                                    ("refused", "refused"),
                                    ("withdrawn", "withdrawn"),
                                    ("objected", "objected"),
                                    ("chosen", "chosen"),
                                ],
                                max_length=12,
                                verbose_name="action",
                            ),
                        ),
                        (
                            "method",
                            models.CharField(
                                choices=[
                                    ("banner", "first layer of the banner"),
                                    ("preferences", "preference centre"),
                                    ("placeholder", "placeholder of blocked content"),
                                    ("page", "page with forms"),
                                    ("signal", "signal of the browser"),
                                    ("handover", "handed over by another domain"),
                                    ("switch", "switch in the account"),
                                    ("link", "link in a message"),
                                    ("one_click", "one-click unsubscribe"),
                                    ("request", "request"),
                                    ("api", "API"),
                                ],
                                max_length=12,
                                verbose_name="method",
                            ),
                        ),
                        ("choices", models.JSONField(verbose_name="choices")),
                        ("text", models.CharField(max_length=64, verbose_name="text as shown")),
                        ("language", models.CharField(max_length=5, verbose_name="language")),
                        (
                            "register_version",
                            models.PositiveIntegerField(
                                blank=True, null=True, verbose_name="version of the cookie register"
                            ),
                        ),
                        ("gpc", models.BooleanField(blank=True, null=True, verbose_name="Global Privacy Control")),
                        ("page", models.CharField(blank=True, max_length=200, verbose_name="page")),
                        ("agent", models.CharField(blank=True, max_length=40, verbose_name="browser")),
                        ("previous", models.UUIDField(blank=True, null=True, verbose_name="previous")),
                        ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                    ],
                    options={
                        "verbose_name": "consent event",
                        "verbose_name_plural": "consent events",
                        "indexes": [
                            models.Index(fields=["scope", "subject_key", "at"], name="event_by_subject"),
                            models.Index(fields=["received_at"], name="event_by_receipt"),
                            models.Index(fields=["ended_at"], name="event_by_end"),
                        ],
                    },
                ),
            ],
        ),
        migrations.RunSQL(FACTS, NO_FACTS),
        migrations.RunSQL(MONTHS, NO_MONTHS),
    ]
