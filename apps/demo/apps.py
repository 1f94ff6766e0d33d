from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Sample data: a communications platform to try the portal on. Only where DEMO=1."""

    name = "apps.demo"
