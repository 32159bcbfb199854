"""The Android app: a Gradle project in Kotlin and Compose that runs an edition's file with LiteRT."""

from pocketformer.apps.android.tree import app_tree, next_step

__all__ = ["app_tree", "next_step"]
