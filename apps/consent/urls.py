from django.urls import path

from apps.consent import api
from apps.consent.views import receipts

app_name = "consent"
urlpatterns = [
    path(".well-known/consent-keys.json", receipts.keys, name="receipt_keys"),
    path("api/v1/consents", api.consents, name="report"),
    path("api/v1/consents/check", api.consents_check, name="check"),
    path("api/v1/restrictions/check", api.restrictions_check, name="check_restrictions"),
    path("api/v1/receipts/verify", receipts.verify, name="receipt_verify"),
    path("account/consents/", receipts.own, name="own"),
    path("account/consents/<uuid:event>/receipt/", receipts.receipt, name="receipt"),
]
