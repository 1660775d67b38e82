"""Addresses of the steward's pages."""

from django.urls import path

from credits.web.steward import views

urlpatterns = [
    path("rulebooks/", views.rulebooks, name="steward_rulebooks"),
    path("rulebooks/propose/", views.propose, name="steward_propose"),
    path("rulebooks/check/", views.check_draft, name="steward_check"),
    path("rulebooks/example/", views.choose_example, name="steward_example"),
    path("rulebooks/drafts/<uuid:public_id>/discard/", views.discard_draft, name="steward_discard"),
    path("rulebooks/simulate/", views.simulate, name="steward_simulate"),
    path("rulebooks/simulations/", views.simulations, name="steward_simulations"),
    path("rulebooks/simulations/<uuid:public_id>/", views.simulation, name="steward_simulation"),
    path(
        "rulebooks/simulations/<uuid:public_id>/stop/", views.stop_simulation, name="steward_simulation_stop"
    ),
    path(
        "rulebooks/simulations/<uuid:public_id>/<int:ordinal>/",
        views.simulation_change,
        name="steward_simulation_change",
    ),
    path("rulebooks/<slug:code>/publish/", views.publish, name="steward_publish"),
    path("rulebooks/<slug:code>/<int:number>/", views.version, name="steward_version"),
    path("rulebooks/<slug:code>/<int:number>/retire/", views.retire, name="steward_retire"),
]
