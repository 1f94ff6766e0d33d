from django.conf import settings
from django.urls import include, path

from apps.core import views as core_views

urlpatterns = [
    path("healthz", core_views.healthz, name="healthz"),
    path("readyz", core_views.readyz, name="readyz"),
    path("", include("apps.consent.urls")),  # below /account/, which allauth's own addresses end
    path("", include("apps.accounts.urls")),
    path("", include("apps.cookies.urls")),
    path("", include("apps.retention.urls")),  # its pages at the desk before any reference there
    path("", include("apps.subject_requests.urls")),
    path("", include("apps.processors.urls")),
    path("", include("apps.dashboard.urls")),
]

if settings.DEMO:
    urlpatterns.append(path("", include("apps.demo.urls")))  # the demo site of the cookie banner

handler500 = "apps.dashboard.views.server_error"
