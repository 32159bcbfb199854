"""The app for iPhone, iPad and Mac: SwiftUI, and a Swift package that runs the edition's Core ML file."""

from pocketformer.apps.ios.making import app_tree, next_step

__all__ = ["app_tree", "next_step"]
