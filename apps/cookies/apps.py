from django.apps import AppConfig


class CookiesConfig(AppConfig):
    name = "apps.cookies"
    verbose_name = "Cookies"

    def ready(self) -> None:
        from apps.consent.services.receipts import tell_facts
        from apps.cookies.facts import facts_of

        tell_facts("site:", facts_of)
