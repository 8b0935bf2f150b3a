"""Jobs: what they are, where they are kept, how they are run.  Knows nothing of terminals."""

from __future__ import annotations

__version__ = "0.1.0"
