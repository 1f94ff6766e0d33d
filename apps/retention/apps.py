from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "apps.retention"
    verbose_name = "Retention"

    def ready(self) -> None:
        # The one upward door: the data map asks these before anything goes (see apps.datamap.guards).
        from apps.datamap import guards
        from apps.retention import holding, protection

        guards.register("retention", protection.keeps, version=protection.rules_version)
        # A hold placed or lifted makes no plan stale by itself: a row whose fate it changes does.
        guards.register("holds", holding.keeps, version=lambda: "1")
        guards.register_check("retention", protection.flaws)
