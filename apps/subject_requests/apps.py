from django.apps import AppConfig


class SubjectRequestsConfig(AppConfig):
    name = "apps.subject_requests"

    def ready(self) -> None:
        from apps.subject_requests import guard, receivers  # noqa: F401  receivers: connects them

        guard.register()
