"""The register of cookies; what was published of it is a fact that the database refuses to change."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

FACTS = """
CREATE FUNCTION cookies_register_is_a_fact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'published registers are facts (% refused)', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER fact BEFORE UPDATE OR DELETE OR TRUNCATE ON cookies_registerversion
    FOR EACH STATEMENT EXECUTE FUNCTION cookies_register_is_a_fact();
"""
NO_FACTS = """
DROP TRIGGER fact ON cookies_registerversion;
DROP FUNCTION cookies_register_is_a_fact();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("processors", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Site",
            fields=[
                ("key", models.SlugField(max_length=40, primary_key=True, serialize=False, verbose_name="key")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("hosts", models.JSONField(default=list, verbose_name="host names")),
                ("cookie_domain", models.CharField(blank=True, max_length=100, verbose_name="domain of the cookie")),
                ("languages", models.JSONField(default=list, verbose_name="languages")),
                (
                    "validity_months",
                    models.PositiveSmallIntegerField(default=6, verbose_name="asked again after (months)"),
                ),
                ("is_sample", models.BooleanField(default=False, verbose_name="sample")),
            ],
            options={
                "verbose_name": "site",
                "verbose_name_plural": "sites",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("validity_months__gte", 1), ("validity_months__lte", 12)),
                        name="site_validity_in_range",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RegisterVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                ("content", models.JSONField(verbose_name="content")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("texts", models.JSONField(default=dict, verbose_name="digests of the words")),
                ("is_material", models.BooleanField(verbose_name="asks again")),
                ("material_number", models.PositiveIntegerField(verbose_name="material version")),
                ("reasons", models.JSONField(default=list, verbose_name="reasons")),
                ("published_at", models.DateTimeField(verbose_name="published at")),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="cookies.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "published register",
                "verbose_name_plural": "published registers",
                "constraints": [
                    models.UniqueConstraint(fields=("site", "number"), name="register_version_once"),
                    models.CheckConstraint(
                        condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")), name="register_digest_is_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("material_number__gte", 1), ("material_number__lte", models.F("number"))),
                        name="register_material_counts",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Cookie",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("line", models.UUIDField(default=uuid.uuid4, verbose_name="entry")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("cookie", "cookie"),
                            ("local_storage", "local storage"),
                            ("session_storage", "session storage"),
                            ("indexed_db", "IndexedDB"),
                            ("request", "request only"),
                        ],
                        default="cookie",
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("host", models.CharField(max_length=120, verbose_name="host")),
                ("is_third_party", models.BooleanField(default=False, verbose_name="third party")),
                (
                    "duration",
                    models.CharField(
                        choices=[("session", "session"), ("persistent", "persistent")],
                        max_length=12,
                        verbose_name="duration",
                    ),
                ),
                ("lifetime", models.CharField(blank=True, max_length=20, verbose_name="lifetime")),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("necessary", "strictly necessary"),
                            ("performance", "performance"),
                            ("functional", "functional"),
                            ("marketing", "marketing and analytics"),
                        ],
                        max_length=12,
                        verbose_name="category",
                    ),
                ),
                ("purpose", models.JSONField(default=dict, verbose_name="purpose")),
                ("refusing", models.JSONField(default=dict, verbose_name="what refusing means")),
                ("request_hosts", models.JSONField(blank=True, default=list, verbose_name="hosts asked")),
                (
                    "changes_meaning",
                    models.BooleanField(default=False, verbose_name="the purpose means something else"),
                ),
                ("is_sample", models.BooleanField(default=False, verbose_name="sample")),
                ("is_ending", models.BooleanField(default=False, verbose_name="to be taken off")),
                ("drafted_at", models.DateTimeField(verbose_name="written at")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="published at")),
                ("replaced_at", models.DateTimeField(blank=True, null=True, verbose_name="replaced at")),
                (
                    "processor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cookies",
                        to="processors.processor",
                        verbose_name="company",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cookies",
                        to="cookies.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "entry of the cookie register",
                "verbose_name_plural": "entries of the cookie register",
                "indexes": [models.Index(fields=["site", "replaced_at"], name="cookie_current")],
                "constraints": [
                    models.UniqueConstraint(fields=("line", "version"), name="cookie_version_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("published_at__isnull", False), ("replaced_at", None)),
                        fields=("line",),
                        name="cookie_one_published",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("published_at", None), ("replaced_at", None)),
                        fields=("line",),
                        name="cookie_one_draft",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("category__in", ["necessary", "performance", "functional", "marketing"])),
                        name="cookie_category_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["cookie", "local_storage", "session_storage", "indexed_db", "request"])
                        ),
                        name="cookie_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("duration__in", ["session", "persistent"])), name="cookie_duration_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lifetime", ""),
                            (
                                "lifetime__regex",
                                "^P(?=\\d|T\\d)(\\d{1,3}Y)?(\\d{1,3}M)?(\\d{1,4}W)?(\\d{1,4}D)?(T(?=\\d)(\\d{1,4}H)?(\\d{1,4}M)?(\\d{1,5}S)?)?$",
                            ),
                            _connector="OR",
                        ),
                        name="cookie_lifetime_is_a_duration",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("duration", "persistent"), ("lifetime", ""), _connector="OR"),
                        name="cookie_session_has_no_lifetime",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("duration", "persistent"), ("kind", "cookie"), ("lifetime", ""), _negated=True
                        ),
                        name="cookie_persistent_has_a_lifetime",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_third_party", False), ("processor__isnull", False), _connector="OR"),
                        name="cookie_third_party_is_named",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FACTS, NO_FACTS),
    ]
