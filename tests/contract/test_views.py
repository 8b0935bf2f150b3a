"""What views write has one form, made in one place: jobs, states, durations, energies (CONTRIBUTING.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nox_cli

ROOT = Path(nox_cli.__file__).parent
# What a module may not write by itself, and the only modules that do.
RULES: dict[str, tuple[str, set[str]]] = {
    "the title of a job": (r"(\w+)\.number\} \{\1\.name\}", {"counts.py"}),
    "a measured duration": (r"\.[1-9]f\} ?(?:s|ms|min|h)\b(?!\w)", set()),
    "a clock": (r"\bstrftime\(", {"times.py", "doctor/machine.py"}),  # the latter shows the machine's clock
    "an energy of other than 8 decimals": (r"\.(?!8f)\d+f\} Eh", {"doctor/engines.py"}),  # compares 9 of them
    "a state in capitals": (r"state\.upper\(\)|[\"'](?:FAILED|COMPLETED|CANCELLED)\b", set()),
}
VIEWS = ("render", "top")


def written(pattern: str, *folders: str) -> set[str]:
    """Return the modules of which a line has the pattern."""
    return {
        str(path.relative_to(ROOT))
        for folder in folders or ("",)
        for path in (ROOT / folder).rglob("*.py")
        if re.search(pattern, path.read_text())
    }


@pytest.mark.parametrize("what", RULES)
def test_views_have_one_form(what: str) -> None:
    """
    Only the modules that make a form write it.
    """
    pattern, makers = RULES[what]

    assert makers == written(pattern)


def test_views_show_no_public_states() -> None:
    """
    The words of JSON are shown by the page of help that explains them, and nowhere else to people.
    """
    assert {"render/help.py"} == written(r"\.public\b|PublicState", *VIEWS)
