"""Starter apps: a project per platform that runs the files of an edition, with nothing left to port."""

from pocketformer.apps.making import PLATFORMS, AppResult, Platform, make_app
from pocketformer.apps.scaffold import Tree, rendered
from pocketformer.apps.subject import AppOptions, Subject

__all__ = ["PLATFORMS", "AppOptions", "AppResult", "Platform", "Subject", "Tree", "make_app", "rendered"]
