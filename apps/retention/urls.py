from django.urls import path

from apps.retention.views import public

app_name = "retention"

urlpatterns = [
    path("retention/", public.page, name="page"),
    path("retention/retention.csv", public.spreadsheet, name="spreadsheet"),
    path("retention/retention.json", public.data, name="data"),
]
