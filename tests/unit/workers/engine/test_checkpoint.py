"""`workers.engine.checkpoint`: what was stopped goes on where it was, and never from nonsense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.standin import molecules
from tests.unit.workers.engine.optimiser.test_optimise import Springs, asked
from workers.engine import checkpoint
from workers.engine.checkpoint_file import FILE
from workers.engine.libraries.base import ChemistryEngine
from workers.errors import NotConverged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.engine.arrays import Array
    from workers.result import ChemistryResult
    from workers.spec import ChemistrySpec

MOLECULE = molecules.METHANOL
NONSENSE = [b"", b"{}", b"\xff\xfe", b"[" * 5_000, b'{"calculation": 1}\n', b"\n\n"]


class Stopped(Exception):
    """Raised in the place of a kill."""


class Mortal(Springs):
    """Springs that are stopped at a gradient."""

    def __init__(self, spec: ChemistrySpec, stop_at: int | None) -> None:
        super().__init__(spec)
        self.stop_at = stop_at
        self.computed = 0

    def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
        """Count, and stop in time."""
        if self.computed == self.stop_at:
            raise Stopped
        self.computed += 1
        return super().compute(positions, is_verbose=is_verbose)


class Bench:
    """Attempts at one calculation in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.computed = 0

    def run(
        self, kind: str, stop_at: int | None = None, version: str = "numpy", **fields: Any
    ) -> ChemistryResult | None:
        """Run, to the end or to a gradient; None: it was stopped."""
        made: list[Mortal] = []

        def make(spec: ChemistrySpec, _accuracy: float) -> Mortal:
            made.append(Mortal(spec, stop_at))
            return made[-1]

        engine = ChemistryEngine("springs", version, make)
        try:
            return engine.run(
                asked(MOLECULE, kind=kind, **fields), self.folder, lambda _: None, lambda _: None
            )
        except Stopped:
            return None
        finally:
            self.computed = made[0].computed


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An attempt's folder, in which every step is noted."""
    monkeypatch.setattr(checkpoint, "FIRST_S", 0.0)
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)
    return Bench(tmp_path)


@pytest.fixture
def anew(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[ChemistryResult, int]]:
    """Run a calculation that nobody stops; its result and how many gradients it took."""

    def run(kind: str) -> tuple[ChemistryResult, int]:
        whole = Bench(tmp_path_factory.mktemp("anew"))
        result = whole.run(kind)
        assert result is not None
        return result, whole.computed

    return run


def test_a_stopped_optimisation_goes_on(
    bench: Bench, anew: Callable[..., tuple[ChemistryResult, int]]
) -> None:
    """
    It ends at the same energy with fewer gradients than anew, and says what earlier attempts have computed.
    """
    expected, gradients = anew("opt")
    assert bench.run("opt", stop_at=gradients - 2) is None

    result = bench.run("opt")

    assert result is not None
    assert pytest.approx(expected.energy_hartree, abs=1e-6) == result.energy_hartree
    assert bench.computed < gradients
    assert result.provenance is not None
    assert result.provenance.continued is not None
    assert gradients - 2 == result.provenance.continued.gradients
    assert expected.bonds_changed == result.bonds_changed
    assert expected.provenance is not None
    assert expected.provenance.continued is None


def test_a_stopped_hessian_goes_on(bench: Bench, anew: Callable[..., tuple[ChemistryResult, int]]) -> None:
    """
    Only the displacements that were missing are computed, after one gradient at the geometry; the numbers are
    those of a calculation that was not stopped, also after a second stop.
    """
    expected, gradients = anew("hess")
    bench.run("hess", stop_at=10)
    bench.run("hess", stop_at=10)

    result = bench.run("hess")

    assert result is not None
    assert result.vibrations is not None
    assert gradients - 16 == bench.computed
    assert expected.vibrations == result.vibrations
    assert result.provenance is not None
    assert result.provenance.continued is not None
    assert 17 == result.provenance.continued.gradients


def test_the_hessian_after_an_optimisation_goes_on(
    bench: Bench, anew: Callable[..., tuple[ChemistryResult, int]]
) -> None:
    """
    The geometry is not optimised again, and the result tells how it was.
    """
    expected, gradients = anew("ohess")
    bench.run("ohess", stop_at=gradients - 4)

    result = bench.run("ohess")

    assert result is not None
    assert 5 == bench.computed
    assert (expected.vibrations, expected.convergence) == (result.vibrations, result.convergence)
    assert (expected.thermochemistry, expected.bonds_changed) == (
        result.thermochemistry,
        result.bonds_changed,
    )
    assert expected.positions_angstrom == result.positions_angstrom
    assert (bench.folder / "opt.xyz").exists()


def test_steps_of_all_attempts_count(bench: Bench) -> None:
    """
    The limit of an optimisation's steps is one of the job, not of each attempt.
    """
    bench.run("opt", stop_at=4, cycles=6)

    with pytest.raises(NotConverged):
        bench.run("opt", cycles=6)
    assert 3 == bench.computed


def test_checkpoint_another_version_starts_again(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """
    What another version of the engine has reached is left aside, and the log says so.
    """
    bench.run("opt", stop_at=4)

    result = bench.run("opt", version="pydantic")

    assert result is not None
    assert result.provenance is not None
    assert result.provenance.continued is None
    assert "cannot be used here: starting again" in capsys.readouterr().out


@pytest.mark.parametrize("content", NONSENSE)
def test_nonsense_starts_again(bench: Bench, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """
    A file that is none of nox's is no reason to fail.
    """
    (bench.folder / FILE).write_bytes(content)

    assert bench.run("hess") is not None
    assert "cannot be used here: starting again" in capsys.readouterr().out


@pytest.mark.parametrize("cut", [1, 40, 2_000])
def test_checkpoint_half_a_line_does_no_harm(
    bench: Bench, anew: Callable[..., tuple[ChemistryResult, int]], cut: int
) -> None:
    """
    Of a file that was cut while it was written the whole lines count, and more can be added.
    """
    expected, _ = anew("hess")
    bench.run("hess", stop_at=20)
    whole = (bench.folder / FILE).read_bytes()
    (bench.folder / FILE).write_bytes(whole[:-cut])
    bench.run("hess", stop_at=10)

    result = bench.run("hess")

    assert result is not None
    assert expected.vibrations == result.vibrations


def test_a_file_has_a_limit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Rows beyond it are not kept; those that are serve.
    """
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 5_000)
    bench.run("hess", stop_at=36)

    assert (bench.folder / FILE).stat().st_size <= 5_000
    assert bench.run("hess") is not None
    assert 5 < bench.computed < 37
