from django.urls import path

from apps.dashboard import views

app_name = "dashboard"

urlpatterns = [
    path("", views.centre, name="centre"),
    path("home/", views.home, name="home"),
    path("theme/", views.choose_theme, name="theme"),
]
