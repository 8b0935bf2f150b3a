"""Places of nox's on this machine: artifacts, what dead workers left, completion."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nox_cli.config.home import home_directory
from nox_cli.counts import counted
from workers import machine
from workers.findings import Finding, ok, problem, warning
from workers.keeper.orphans import orphans
from workers.runtime.scratch import bases, left_behind
from workers.sizes import MIB, size_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# How long files may be counted.
_COUNT_S = 4.0
_NEARLY_NONE_BYTES = 64 * MIB
_SETUP = {
    "bash": 'in ~/.bashrc: eval "$(nox completion bash)"',
    "zsh": 'in ~/.zshrc: eval "$(nox completion zsh)"',
    "fish": "nox completion fish > ~/.config/fish/completions/nox.fish",
}
_FILES = {
    "bash": (
        ".bashrc",
        ".bash_profile",
        ".bash_completion",
        ".local/share/bash-completion/completions/nox",
        ".local/share/bash-completion/completions/nox.bash",
        "/etc/bash_completion.d/nox",
        "/usr/share/bash-completion/completions/nox",
    ),
    "zsh": (
        ".zshrc",
        ".zfunc/_nox",
        "/usr/local/share/zsh/site-functions/_nox",
        "/usr/share/zsh/site-functions/_nox",
    ),
    "fish": (
        ".config/fish/config.fish",
        ".config/fish/completions/nox.fish",
        "/usr/share/fish/vendor_completions.d/nox.fish",
    ),
}


def check_artifacts(root: Path) -> list[Finding]:
    """See whether large files of jobs can be kept, and how many there are.

    Raises:
        OSError: the directory cannot be looked at.
    """
    folder = machine.nearest_existing(root)
    hint = "set NOX_ARTIFACTS to a directory of your own"
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return [problem("artifacts", f"{folder} cannot be written: no worker starts", hint)]
    free = machine.free_bytes(folder)
    if free < _NEARLY_NONE_BYTES:
        return [problem("artifacts", f"{size_words(free)} free in {folder}", "free some space")]
    if folder != root:
        return [ok("artifacts", f"{root} is not there yet; the first worker makes it")]
    return [ok("artifacts", f"{root}: {_size(root)} in it, {size_words(free)} free")]


def check_leftovers(home: Path) -> list[Finding]:
    """Name what dead workers left: folders, and engine processes nobody listens to."""
    found = []
    if folders := [
        folder for base in bases(home / "scratch") for folder in left_behind(base, machine.host())
    ]:
        told = f"{counted(len(folders), 'scratch folder')} of dead workers: {folders[0]}"
        found.append(warning("leftovers", told, "nothing: the next worker that starts here removes them"))
    if left := orphans():
        pids = " ".join(map(str, left))
        told = f"engine processes whose worker is gone: {pids}"
        found.append(warning("orphans", told, f"they ought to have ended: kill {pids}"))
    return found or [ok("leftovers", "nothing of dead workers is left here")]


def check_completion(environ: Mapping[str, str]) -> list[Finding]:
    """See whether the shell completes nox's words."""
    shell = Path(environ.get("SHELL", "")).name
    if shell not in _FILES:
        return [ok("completion", "there is one for bash, zsh and fish", _SETUP["bash"])]
    home = home_directory(environ)
    if any(_completes(home / name) for name in _FILES[shell]):
        return [ok("completion", f"set up for {shell}")]
    return [ok("completion", f"not set up for {shell}", _SETUP[shell])]


def _completes(path: Path) -> bool:
    """Whether a file is a completion script of nox, or sets one up."""
    try:
        return path.is_file() and ("nox" in path.name or "nox completion" in path.read_text(errors="replace"))
    except OSError:
        return False


def _size(root: Path) -> str:
    """Add up the files below a directory, as far as there is time."""
    until = time.monotonic() + _COUNT_S
    total = 0
    for size in _sizes(root):
        total += size
        if time.monotonic() > until:
            return f"more than {size_words(total)}"
    return size_words(total)


def _sizes(root: Path) -> Iterator[int]:
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                yield os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
