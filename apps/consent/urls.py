from django.urls import path

from apps.consent.views import receipts

app_name = "consent"
urlpatterns = [
    path(".well-known/consent-keys.json", receipts.keys, name="receipt_keys"),
    path("api/v1/receipts/verify", receipts.verify, name="receipt_verify"),
    path("account/consents/", receipts.own, name="own"),
    path("account/consents/<uuid:event>/receipt/", receipts.receipt, name="receipt"),
]
