"""The demo's settings: the real ones, with the local forge instead of the real forges. Sign-in by one click exists only
in the process that serves the demo's own pages (:mod:`demo.processes`)."""

# ruff: noqa: F403, F405
import os

from demo.addresses import PAGES_VARIABLE, forge_environment

os.environ.update(forge_environment())

from config.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "demo"]

if os.environ.get(PAGES_VARIABLE) == "1":
    ROOT_URLCONF = "demo.urls"
    TEMPLATES = [{**TEMPLATES[0], "DIRS": [BASE_DIR / "demo" / "templates", BASE_DIR / "templates"]}]
