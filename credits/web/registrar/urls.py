"""Addresses of the registrar's pages."""

from django.urls import path

from credits.web.registrar import views

urlpatterns = [
    path("collecting/", views.collecting, name="collecting"),
    path("registrar/", views.ready, name="registrar_ready"),
    path("registrar/record/", views.record_results, name="registrar_record"),
    path("registrar/rounds/", views.all_rounds, name="registrar_rounds"),
    path("registrar/rounds/<slug:code>/rulebooks/", views.put_in_force, name="registrar_put_in_force"),
    path(
        "registrar/rounds/<slug:code>/rulebooks/<int:pk>/take/",
        views.take_out_of_force,
        name="registrar_take_out_of_force",
    ),
    path("registrar/terms/", views.all_terms, name="registrar_terms"),
    path("registrar/terms/<slug:code>/", views.term, name="registrar_term"),
    path("registrar/ledger/", views.ledger, name="registrar_ledger"),
    path("registrar/exports/", views.exports, name="registrar_exports"),
    path("registrar/exports/<slug:code>/file/", views.export_file, name="registrar_export_file"),
    path("registrar/exports/<slug:code>/manifest/", views.export_manifest, name="registrar_export_manifest"),
    path("registrar/roster/", views.roster, name="registrar_roster"),
    path("registrar/link/", views.vouch, name="registrar_link"),
    path(
        "registrar/students/<str:number>/transcript/",
        views.student_transcript,
        name="registrar_transcript",
    ),
]
