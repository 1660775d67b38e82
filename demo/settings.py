"""The demo's own settings: the real ones, with the local forge in the forges' place, and in the one process that
the demo itself serves its pages from (:mod:`demo.processes`), sign-in by one click."""

# ruff: noqa: F403, F405
import os

from demo.addresses import PAGES_VARIABLE, forge_environment

os.environ.update(forge_environment())

from config.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "demo"]

if os.environ.get(PAGES_VARIABLE) == "1":
    ROOT_URLCONF = "demo.urls"
    TEMPLATES = [{**TEMPLATES[0], "DIRS": [BASE_DIR / "demo" / "templates", BASE_DIR / "templates"]}]
