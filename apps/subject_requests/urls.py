from django.urls import include, path

from apps.subject_requests.views import bulk, customer, desk, filing, keys, overview, progress, queue

customer_patterns = [
    path("", customer.list_requests, name="list"),
    path("home/", customer.home, name="home"),
    path("new/", filing.question, name="new"),
    path("new/check/", filing.check, name="check"),
    path("new/<slug:slug>/", filing.question, name="question"),
    path("download/<str:token>/", customer.download, name="download"),
    path("<str:reference>/", customer.detail, name="detail"),
    path("<str:reference>/progress/", progress.of_requester, name="progress"),
    path("<str:reference>/sent/", filing.sent, name="sent"),
    path("<str:reference>/messages/", customer.write_message, name="message"),
    path("<str:reference>/withdraw/", customer.withdraw, name="withdraw"),
    path("<str:reference>/files/<slug:kind>/", customer.files, name="files"),
    path("<str:reference>/files/<slug:kind>/link/", customer.mint, name="mint"),
]
desk_patterns = [
    path("", queue.queue, name="queue"),
    path("choose/", bulk.choose, name="choose"),
    path("keys/", keys.keys, name="keys"),
    path("bulk/", bulk.bulk, name="bulk"),
    path("bulk/<slug:slug>/", bulk.take, name="bulk_step"),
    path("overview/", overview.overview, name="overview"),
    path("calendar/", overview.make_feed, name="calendar_make"),
    path("calendar/revoke/", overview.revoke_feed, name="calendar_revoke"),
    path("calendar/<str:token>.ics", overview.feed, name="calendar"),
    path("<str:reference>/", desk.detail, name="detail"),
    path("<str:reference>/progress/", progress.of_desk, name="progress"),
    path("<str:reference>/move/", queue.move, name="move"),
    path("<str:reference>/<slug:slug>/", desk.act, name="act"),
]

urlpatterns = [
    path("requests/", include((customer_patterns, "subject_requests"))),
    path("desk/", include((desk_patterns, "desk"))),
]
