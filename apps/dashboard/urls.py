from django.urls import path

from apps.dashboard import views

app_name = "dashboard"

urlpatterns = [
    path("", views.centre, name="centre"),
    path("contact/", views.contact, name="contact"),
    path("components/", views.components, name="components"),
    path("home/", views.home, name="home"),
    path("evidence/", views.evidence, name="evidence"),
    path("evidence/outbox/", views.outbox, name="outbox"),
    path("theme/", views.choose_theme, name="theme"),
]
