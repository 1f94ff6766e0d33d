from django.urls import path

from apps.cookies import ingest
from apps.cookies.views import script

app_name = "cookies"
urlpatterns = [
    path("api/v1/cookie-choices", ingest.cookie_choices, name="ingest"),
    path("api/v1/cookie-choices/handover", ingest.take_over, name="handover"),
    path("consent.js", script.boot, name="script"),
    path("consent/ui.<slug:tag>.js", script.banner, name="banner"),
    path("consent/register/<slug:site>/<int:number>/<slug:language>.json", script.table, name="table"),
]
