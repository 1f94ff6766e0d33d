from django.apps import AppConfig


class CookiesConfig(AppConfig):
    name = "apps.cookies"
    verbose_name = "Cookies"
