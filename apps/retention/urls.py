from django.urls import path

from apps.retention.views import accounts, holds, officers, public, rules

app_name = "retention"

urlpatterns = [
    path("retention/", public.page, name="page"),
    path("retention/retention.csv", public.spreadsheet, name="spreadsheet"),
    path("retention/retention.json", public.data, name="data"),
    path("desk/retention/", officers.overview, name="overview"),
    path("desk/retention/sweeps/<slug:hash>/", officers.sweep, name="sweep"),
    path("desk/retention/sweeps/<slug:hash>/progress/", officers.progress, name="sweep_progress"),
    path("desk/retention/sweeps/<slug:hash>/approve/", officers.approve, name="sweep_approve"),
    path("desk/retention/sweeps/<slug:hash>/cancel/", officers.cancel, name="sweep_cancel"),
    path("desk/retention/sweeps/<slug:hash>/report.csv", officers.spreadsheet, name="sweep_spreadsheet"),
    path("desk/retention/sweeps/<slug:hash>/report.json", officers.data, name="sweep_data"),
    path("desk/departures/", accounts.departures, name="departures"),
    path("desk/departures/new/", accounts.departure_new, name="departure_new"),
    path("desk/departures/<uuid:pk>/over/", accounts.departure_over, name="departure_over"),
    path("account/retention/<uuid:pk>/", accounts.account, name="account"),
    path("account/retention/<uuid:pk>/periods/<slug:rule>/", accounts.choose, name="choose"),
    path("account/retention/<uuid:pk>/leave/", accounts.leave, name="leave"),
    path("account/retention/<uuid:pk>/leave/stay/", accounts.stay, name="stay"),
    path("account/retention/<uuid:pk>/leave/package/", accounts.package, name="package"),
    path("account/retention/<uuid:pk>/leave/certificate/", accounts.certificate, name="certificate"),
    path("account/retention/<uuid:pk>/leave/certificate.json", accounts.certificate_data, name="certificate_data"),
    path("desk/holds/", holds.holds, name="holds"),
    path("desk/holds/new/", holds.new, name="hold_new"),
    path("desk/holds/<str:reference>/", holds.hold, name="hold"),
    path("desk/holds/<str:reference>/review/", holds.review, name="hold_review"),
    path("desk/holds/<str:reference>/reveal/", holds.reveal, name="hold_reveal"),
    path("desk/holds/<str:reference>/lift/", holds.lift, name="hold_lift"),
    path("registers/rules/", rules.rules, name="rules"),
    path("registers/rules/retention-rules.yml", rules.export, name="rules_export"),
    path("registers/rules/file/", rules.file, name="rules_file"),
    path("registers/rules/new/", rules.new, name="rule_new"),
    path("registers/rules/changes/<uuid:pk>/", rules.change, name="rule_change"),
    path("registers/rules/changes/<uuid:pk>/<slug:verb>/", rules.decide, name="rule_decide"),
    path("registers/rules/<slug:key>/", rules.rule, name="rule"),
    path("registers/rules/<slug:key>/change/", rules.edit, name="rule_edit"),
    path("registers/rules/<slug:key>/end/", rules.end, name="rule_end"),
]
