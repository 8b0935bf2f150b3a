"""Turns results of commands into text, JSON, rows or ids; nothing else writes to stdout.

`show.RENDERERS` lists for each command the functions that write its result, as far as it offers their form.
Each is loaded when it is used: `nox_cli.render.X` is imported at the first access to `X` of this package.
All that is printed is made safe for terminals by `text.safe` on its way.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType
else:

    def __getattr__(name: str) -> ModuleType:
        """Import a module of this package.

        Raises:
            AttributeError: the name is private.
            ModuleNotFoundError: there is no such module.
        """
        if name.startswith("_"):
            raise AttributeError(name)
        return importlib.import_module(f"{__name__}.{name}")
