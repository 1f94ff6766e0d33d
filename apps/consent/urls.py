from django.urls import path

from apps.consent import api
from apps.consent.views import finance, officers, purposes, receipts, subscriptions

app_name = "consent"
urlpatterns = [
    path(".well-known/consent-keys.json", receipts.keys, name="receipt_keys"),
    path("api/v1/consents", api.consents, name="report"),
    path("api/v1/consents/check", api.consents_check, name="check"),
    path("api/v1/restrictions/check", api.restrictions_check, name="check_restrictions"),
    path("api/v1/receipts/verify", receipts.verify, name="receipt_verify"),
    path("account/consents/", receipts.own, name="own"),
    path("account/consents/<uuid:event>/receipt/", receipts.receipt, name="receipt"),
    path("account/finance/<uuid:pk>/", finance.page, name="finance"),
    path("account/finance/<uuid:pk>/payment-method/<slug:kind>/", finance.payment_method, name="payment_method"),
    path(
        "account/finance/<uuid:pk>/withdraw-payment-method/",
        finance.withdraw_payment_method,
        name="withdraw_payment_method",
    ),
    path("account/finance/<uuid:pk>/top-up/", finance.top_up, name="top_up"),
    path("account/finance/<uuid:pk>/withdraw-top-up/", finance.withdraw_top_up, name="withdraw_top_up"),
    path("account/preferences/", subscriptions.own_preferences, name="own_preferences"),
    path("account/enrichment/", subscriptions.own_enrichment, name="own_enrichment"),
    path("desk/consents/", officers.overview, name="overview"),
    path("desk/consents/search/", officers.search, name="search"),
    path("desk/consents/subject/<str:key>/", officers.history, name="history"),
    path("desk/consents/subject/<str:key>/<slug:form>/", officers.export, name="export"),
    path("newsletter/", subscriptions.newsletter, name="newsletter"),
    path("newsletter/confirm/<str:token>/", subscriptions.newsletter_confirm, name="newsletter_confirm"),
    path("newsletter/unsubscribe/<str:token>/", subscriptions.unsubscribe, name="unsubscribe"),
    path("preferences/", subscriptions.preferences_ask, name="preferences_ask"),
    path("preferences/<str:token>/", subscriptions.preferences, name="preferences"),
    path("preferences/<str:token>/enrichment/", subscriptions.enrichment_by_link, name="enrichment"),
    path("registers/purposes/", purposes.purposes, name="purposes"),
    path("registers/purposes/new/", purposes.new, name="purpose_new"),
    path("registers/purposes/<slug:key>/", purposes.purpose, name="purpose"),
    path("registers/purposes/<slug:key>/edit/", purposes.edit, name="purpose_edit"),
    path("registers/purposes/<slug:key>/end/", purposes.end, name="purpose_end"),
]
