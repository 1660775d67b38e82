"""Addresses of the reviewers' pages."""

from django.urls import path

from credits.web.instructor import views

urlpatterns = [
    path("instructor/", views.queue, name="instructor_queue"),
    path("instructor/approve/", views.approve_many, name="instructor_approve"),
    path("instructor/claims/<uuid:public_id>/", views.claim, name="instructor_claim"),
    path("instructor/claims/<uuid:public_id>/preview/", views.preview, name="instructor_preview"),
    path("instructor/claims/<uuid:public_id>/confirm/", views.confirm_proposal, name="instructor_confirm"),
    path(
        "instructor/claims/<uuid:public_id>/agree/", views.agree_with_previous_stage, name="instructor_agree"
    ),
    path(
        "instructor/claims/<uuid:public_id>/flags/<int:pk>/",
        views.answer_flag,
        name="instructor_answer_flag",
    ),
    path("instructor/attested/", views.attested_works, name="instructor_attested"),
    path(
        "instructor/attested/<uuid:public_id>/",
        views.decide_attested_work,
        name="instructor_attested_work",
    ),
]
