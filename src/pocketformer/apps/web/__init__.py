"""The web app: a page of static files that runs an edition's file in the browser."""

from pocketformer.apps.web.tree import app_tree, next_step

__all__ = ["app_tree", "next_step"]
