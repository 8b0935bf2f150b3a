"""What needs root is left out for others, and said to be."""

from __future__ import annotations

import os

# It mounts file systems.
NEEDS_ROOT = ["test_local_store_full.py", "test_scratch_full.py"]
collect_ignore = [] if os.geteuid() == 0 else NEEDS_ROOT


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return [f"left out, since it needs root: {name}" for name in collect_ignore]
