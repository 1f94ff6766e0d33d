from django.urls import path

from apps.processors import views

app_name = "processors"

urlpatterns = [
    path("processors/", views.public_list, name="list"),
    path("processors/processors.csv", views.download, name="download"),
    path("registers/processors/", views.register, name="register"),
    path("registers/processors/new/", views.add, name="add"),
    path("registers/processors/<uuid:line>/", views.entry, name="entry"),
    path("registers/processors/<uuid:line>/edit/", views.edit, name="edit"),
    path("registers/processors/<uuid:line>/end/", views.end, name="end"),
    path("registers/processors/<uuid:line>/drop/", views.drop, name="drop"),
]
