from django.urls import path

from apps.cookies import ingest
from apps.cookies.views import public, receipt, register, script, sites

app_name = "cookies"
urlpatterns = [
    path("api/v1/cookie-choices", ingest.cookie_choices, name="ingest"),
    path("api/v1/cookie-choices/handover", ingest.take_over, name="handover"),
    path("cookies/", public.page, name="page"),
    path("cookies/receipt/", receipt.receipt, name="receipt"),
    path("cookies/continue/", public.hand_over, name="continue"),
    path(".well-known/gpc.json", public.gpc, name="gpc"),
    path("registers/cookies/", register.register, name="register"),
    path("registers/cookies/new/", register.add, name="add"),
    path("registers/cookies/new-site/", sites.add, name="add_site"),
    path("registers/cookies/sites/<slug:key>/", register.site, name="site"),
    path("registers/cookies/sites/<slug:key>/edit/", sites.edit, name="edit_site"),
    path("registers/cookies/sites/<slug:key>/publish/", register.publish, name="publish"),
    path("registers/cookies/<uuid:line>/", register.entry, name="entry"),
    path("registers/cookies/<uuid:line>/edit/", register.edit, name="edit"),
    path("registers/cookies/<uuid:line>/end/", register.end, name="end"),
    path("registers/cookies/<uuid:line>/drop/", register.drop, name="drop"),
    path("consent.js", script.boot, name="script"),
    path("consent/ui.<slug:tag>.js", script.banner, name="banner"),
    path("consent/register/<slug:site>/<int:number>/<slug:language>.json", script.table, name="table"),
]
