"""Addresses of pages for more than one role, and of the probes."""

from django.urls import path

from credits.web.core import health
from credits.web.everyone import views

urlpatterns = [
    path("", views.home, name="home"),
    path("word/<str:token>/", views.maintainers_word, name="maintainers_word"),
    path("claims/<uuid:public_id>/", views.claim, name="claim"),
    path("claims/<uuid:public_id>/answer/", views.answer_proposal, name="claim_answer"),
    path("claims/<uuid:public_id>/withdraw/", views.withdraw_claim, name="claim_withdraw"),
    path("notice/", views.public_notice, name="public_notice"),
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
]
