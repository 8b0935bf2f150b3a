"""JSON as nox prints it: `"schema": 1` first, ASCII only, so that neither terminal nor locale matters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1


def dumps(document: Mapping[str, Any]) -> str:
    """Write one object on one line.

    Raises:
        ValueError: a number in it is not finite, which JSON cannot say.
    """
    return json.dumps({"schema": SCHEMA, **document}, allow_nan=False)
