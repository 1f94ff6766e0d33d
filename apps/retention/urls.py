from django.urls import path

from apps.retention.views import holds, public

app_name = "retention"

urlpatterns = [
    path("retention/", public.page, name="page"),
    path("retention/retention.csv", public.spreadsheet, name="spreadsheet"),
    path("retention/retention.json", public.data, name="data"),
    path("desk/holds/", holds.holds, name="holds"),
    path("desk/holds/new/", holds.new, name="hold_new"),
    path("desk/holds/<str:reference>/", holds.hold, name="hold"),
    path("desk/holds/<str:reference>/review/", holds.review, name="hold_review"),
    path("desk/holds/<str:reference>/reveal/", holds.reveal, name="hold_reveal"),
    path("desk/holds/<str:reference>/lift/", holds.lift, name="hold_lift"),
]
