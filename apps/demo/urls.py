from django.urls import path

from apps.demo import views

app_name = "demo"
urlpatterns = [
    path("demo-site/", views.page, name="home"),
    path("demo-site/hits.json", views.hits, name="hits"),
    path("demo-site/tags/<str:name>", views.stranger, name="stranger"),
    path("demo-site/<slug:name>/", views.page, name="page"),
]
