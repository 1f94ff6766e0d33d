from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class DatamapConfig(AppConfig):
    name = "apps.datamap"

    def ready(self) -> None:
        """Every app says in `personal_data.py` what it stores about people; nothing is imported upwards by name."""
        autodiscover_modules("personal_data")
