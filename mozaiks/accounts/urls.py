from django.urls import path

from . import api

urlpatterns = [
    path("auth/token", api.TokenView.as_view(), name="auth-token"),
    path("auth/ticket", api.TicketView.as_view(), name="auth-ticket"),
]
