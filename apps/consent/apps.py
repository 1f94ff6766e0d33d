from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "apps.consent"
    verbose_name = "Consent"

    def ready(self) -> None:
        # The one upward door of the data map: while a removal runs, nothing goes but what was asked.
        from apps.consent import removing
        from apps.datamap import guards

        guards.register("removals", removing.only_what_was_asked, version=lambda: "2")
        guards.register_check("removals", removing.flaws)
