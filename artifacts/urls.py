from django.urls import path

from mozaiks import paths

from . import api

paths.install()

urlpatterns = [
    path("artifacts/<app:app_id>/<str:artifact_id>", api.Artifacts.as_view({"get": "retrieve"}), name="artifact"),
]
