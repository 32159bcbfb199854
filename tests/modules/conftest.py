"""The marker of tests that need TensorFlow, which none of our extras but its own brings."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tensorflow: needs TensorFlow, and is skipped where it is missing")
