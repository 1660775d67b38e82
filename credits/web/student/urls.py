"""Addresses of the student's pages."""

from django.urls import path

from credits.web.student import views

urlpatterns = [
    path("student/", views.home, name="student_home"),
    path("student/accounts/", views.accounts, name="student_accounts"),
    path("student/accounts/collection/", views.collection, name="student_collection"),
    path("student/accounts/collect/", views.collect_now, name="student_collect"),
    path("student/accounts/link/", views.add_pull_request, name="student_add_link"),
    path("student/contributions/", views.contributions, name="student_contributions"),
    path("student/contributions/<int:pk>/", views.contribution, name="student_contribution"),
    path("student/contributions/<int:pk>/shares/", views.propose_shares, name="student_shares"),
    path(
        "student/contributions/<int:pk>/shares/<int:proposal>/answer/",
        views.answer_shares,
        name="student_shares_answer",
    ),
    path(
        "student/contributions/<int:pk>/shares/<int:proposal>/withdraw/",
        views.withdraw_shares,
        name="student_shares_withdraw",
    ),
    path("student/attested/", views.attested_works, name="student_attest"),
    path("student/attested/<uuid:public_id>/", views.own_attested_work, name="student_attested"),
    path("student/attested/<uuid:public_id>/link/", views.ask_maintainer, name="student_ask_maintainer"),
    path("student/claim/", views.current_application, name="student_claim_now"),
    path("student/rounds/<slug:code>/claim/", views.application, name="student_claim"),
    path("student/rounds/<slug:code>/claim/pick/", views.choose_contributions, name="student_claim_pick"),
    path("student/transcript/", views.transcript, name="student_transcript"),
]
