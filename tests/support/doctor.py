"""Runs `nox doctor`, as a real process or as far as the store goes, and reads what it found."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.argv import Call
from nox_cli.config.settings import load
from nox_cli.doctor import engines
from nox_cli.doctor.checks import store_checks
from nox_cli.doctor.examination import Examination
from nox_cli.main import program
from nox_cli.session import Session, Streams
from tests.support.environment import changed
from workers.store.opening import open_existing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.nox import Nox


@dataclass(frozen=True, slots=True)
class Report:
    """What one run found, and how it ended."""

    exit: int
    checks: tuple[Mapping[str, str], ...]
    printed: str  # stdout and stderr

    def one(self, name: str) -> Mapping[str, str]:
        """The only finding of a name."""
        (found,) = [check for check in self.checks if check["name"] == name]
        return found

    def verdicts(self, *names: str) -> list[str]:
        """Verdicts by name, in the order asked."""
        return [self.one(name)["verdict"] for name in names]

    @property
    def problems(self) -> list[str]:
        """The names of everything that is wrong."""
        return [check["name"] for check in self.checks if check["verdict"] == "problem"]


def examine(nox: Nox, *argv: str, **options: Any) -> Report:
    """Run `nox doctor --json`."""
    ended = nox("doctor", "--json", *argv, **options)
    assert ended.stdout, ended.stderr
    printed = ended.stdout + ended.stderr
    return Report(ended.returncode, tuple(json.loads(ended.stdout)["checks"]), printed)


def printed_without_engines(nox: Nox, env: Mapping[str, str | None] | None = None) -> tuple[int, str]:
    """Run the whole of `nox doctor` in this process, as where no engine is installed: they take long.

    Returns: the exit code, and what stdout and stderr got.
    """
    code, out, err = _here(nox, ["doctor"], env)
    return code, out + err


def examine_without_engines(nox: Nox, env: Mapping[str, str | None] | None = None) -> Report:
    """Run the whole of `nox doctor --json` in this process, as where no engine is installed."""
    code, out, err = _here(nox, ["doctor", "--json"], env)
    return Report(code, tuple(json.loads(out)["checks"]), out + err)


def _here(nox: Nox, argv: list[str], env: Mapping[str, str | None] | None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "installed", tuple)
        patch.setattr(engines, "check_program", list)
        code = program(argv, Streams(io.StringIO(), out, err), changed(nox.environ, env or {}))
    return code, out.getvalue(), err.getvalue()


def examine_store(nox: Nox, env: Mapping[str, str | None] | None = None) -> Report:
    """Make the checks of the store only, in this process: no engine has to be loaded for them."""
    settings = load(changed(nox.environ, env or {}), Call("doctor", ()))
    call = Session(settings, Streams(io.StringIO(), io.StringIO(), io.StringIO()))
    examination = Examination(tuple(store_checks(settings, lambda: call.open(open_existing))))
    text = json.dumps(examination.document()["checks"])
    call.close()
    return Report(examination.exit, tuple(json.loads(text)), text)
