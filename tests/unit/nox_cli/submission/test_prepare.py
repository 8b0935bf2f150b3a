"""What becomes of files, options and requests before anything is stored."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.inputs.files import STDIN, Input
from nox_cli.submission.engine_choice import EngineWanted
from nox_cli.submission.options import SubmitOptions
from nox_cli.submission.prepare import CallContext, Prepared, prepare
from workers.documents import SPEC
from workers.errors import InputRefused, NothingMatched, UsageError
from workers.names import Method, OptLevel
from workers.spec import ChemistrySpec

if TYPE_CHECKING:
    from pathlib import Path

    from workers.job import NewJob

WATER = "3\n\nO 0.0 0.4 0.0\nH -0.8 -0.2 0.0\nH 0.8 -0.2 0.0\n"
METHYL = "4\n\nC 0 0 0\nH 1 0 0\nH -0.5 0.9 0\nH -0.5 -0.9 0\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a folder with two structures."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "set"
    path.mkdir()
    (path / "water.xyz").write_text(WATER)
    (path / "methyl.xyz").write_text(METHYL)
    return path


def asking(*files: str, stdin: str = "", lane: str = "", **asked: Any) -> Prepared:
    """Ask for jobs."""
    context = CallContext("ada", lambda: Input(STDIN, stdin.encode()), lane=lane)
    return prepare(files, SubmitOptions(**asked), context)


def spec_of(job: NewJob) -> ChemistrySpec:
    """Read a job's specification as a worker does."""
    spec = SPEC.validate_json(job.spec_json)
    assert isinstance(spec, ChemistrySpec)
    return spec


def refusal(*files: str, stdin: str = "", **asked: Any) -> InputRefused:
    """Ask for what is refused, and hand the refusal over."""
    with pytest.raises(InputRefused) as caught:
        asking(*files, stdin=stdin, **asked)
    return caught.value


def test_a_job_holds_everything_that_was_asked() -> None:
    """
    Structure, calculation, engine, charge, spin and source are in the specification; the rest is the job's.
    """
    [job] = asking(
        "set/methyl.xyz", opt=OptLevel.TIGHT, gfn=1, uhf="1", acc=0.5, etemp=500.0, iterations=99, cycles=7,
        name="ch3", tag=["set=a"], batch="b", priority=-3, cores=2, memory=3 * 10**9, time=90.5, lane="w-1-a",
    ).jobs  # fmt: skip
    spec = spec_of(job)

    assert ("opt", OptLevel.TIGHT, Method.GFN1) == (spec.kind, spec.opt_level, spec.method)
    assert (0.5, 500.0, 99, 7) == (spec.accuracy, spec.electronic_temperature_k, spec.iterations, spec.cycles)
    assert (0, "default", 1, "-u") == (spec.charge, spec.charge_origin, spec.unpaired, spec.unpaired_origin)
    assert ("set/methyl.xyz", None, 64) == (spec.source.file, spec.source.frame, len(spec.source.sha256))
    assert ("ch3", "b", "ada", "w-1-a", {"set": "a"}) == (job.name, job.batch, job.owner, job.lane, job.tags)
    assert (-3, 2, 3 * 1024**3, 91) == (job.priority, job.cores, job.memory_bytes, job.time_limit_s)
    assert ("CH3", 4, "opt", spec.engine_key) == (job.formula, job.atoms, job.kind, job.engine)


def test_prepare_what_is_not_asked_has_its_default() -> None:
    """
    An energy with GFN2-xTB on one core with 2 GiB, named after its file, without a batch.
    """
    found = asking("set/water.xyz")
    [job] = found.jobs

    assert ("sp", Method.GFN2, None) == (job.kind, spec_of(job).method, spec_of(job).opt_level)
    assert ("water", "", 1, 2 * 1024**3, 0, 0) == (
        job.name, job.batch, job.cores, job.memory_bytes, job.time_limit_s, job.priority,
    )  # fmt: skip
    assert () == found.warnings


def test_frequencies_have_conditions() -> None:
    """
    Level, temperature, pressure and symmetry number of frequencies are in the specification.
    """
    [job] = asking(
        "set/water.xyz", ohess=OptLevel.VTIGHT, temp=350.0, pressure=1e5, symmetry_number=2, cycles=9
    ).jobs
    [plain] = asking("set/water.xyz", hess=True).jobs
    spec, usual = spec_of(job), spec_of(plain)

    assert ("ohess", OptLevel.VTIGHT, 9) == (spec.kind, spec.opt_level, spec.cycles)
    assert (350.0, 1e5, 2) == (spec.temperature_k, spec.pressure_pa, spec.symmetry_number)
    assert ("hess", None) == (usual.kind, usual.opt_level)
    assert (298.15, 101_325.0, None) == (usual.temperature_k, usual.pressure_pa, usual.symmetry_number)


@pytest.mark.parametrize(
    "asked",
    [{"temp": 300.0}, {"pressure": 1e5, "opt": OptLevel.NORMAL}, {"symmetry_number": 2, "grad": True}],
)
def test_conditions_without_frequencies_are_refused(asked: dict[str, Any]) -> None:
    """
    A temperature of thermochemistry means nothing to a calculation without any.
    """
    with pytest.raises(UsageError, match="no frequencies are asked for"):
        asking("set/water.xyz", **asked)


def test_a_solvent_and_spin_polarisation_are_in_the_specification() -> None:
    """
    The solvent is spelled in one way, and the engine is one that can do it.
    """
    [job] = asking("set/methyl.xyz", alpb="H2O", spinpol=True, uhf="1").jobs
    [other] = asking("set/water.xyz", gbsa="nhexane").jobs
    [ionised] = asking("set/water.xyz", ipea1=True).jobs
    spec, plain = spec_of(job), spec_of(other)

    assert ("alpb", "water", True, "tblite") == (
        spec.solvation,
        spec.solvent,
        spec.spin_polarised,
        spec.engine,
    )
    assert ("gbsa", "hexane", False) == (plain.solvation, plain.solvent, plain.spin_polarised)
    assert (Method.IPEA1, "tblite") == (spec_of(ionised).method, spec_of(ionised).engine)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"alpb": "water", "gbsa": "water"}, "contradict each other"),
        ({"alpb": "mud"}, "ALPB has no solvent"),
        ({"ipea1": True, "gfn": 2}, "--ipea1 and --gfn contradict"),
        ({"alpb": "water", "engine": EngineWanted.XTB}, "--engine xtb has no ALPB"),
    ],
)
def test_prepare_what_no_engine_can_do_is_refused(asked: dict[str, Any], says: str) -> None:
    """
    Contradictions, unknown solvents and engines that cannot do it are the command line's fault.
    """
    with pytest.raises(UsageError, match=says):
        asking("set/water.xyz", **asked)


def request(**params: Any) -> str:
    """A request for water."""
    inputs = {"xyz": WATER, "params": params}
    return json.dumps({"engine": "xtb", "kind": "opt_properties", "inputs": inputs})


def test_a_request_names_solvent_and_frequencies() -> None:
    """
    The request form has the same calculations as the command line.
    """
    [job] = asking("-", stdin=request(frequencies=True, alpb="THF", temperature_k=350.0)).jobs
    [plain] = asking("-", stdin=request(opt=False, frequencies=True)).jobs
    spec = spec_of(job)

    assert ("ohess", OptLevel.TIGHT, "alpb", "thf") == (
        spec.kind,
        spec.opt_level,
        spec.solvation,
        spec.solvent,
    )
    assert (350.0, "tblite") == (spec.temperature_k, spec.engine)
    assert "hess" == plain.kind


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"alpb": "mud"}, "ALPB has no solvent"), ({"alpb": "water", "gbsa": "water"}, "contradict")],
)
def test_a_request_for_what_cannot_be_is_refused(wrong: dict[str, str], says: str) -> None:
    """
    A request is input: what is wrong with it is told with its place.
    """
    assert says in refusal("-", stdin=request(**wrong)).message


def test_equal_jobs_have_ids_of_their_own_and_one_digest() -> None:
    """
    The id tells jobs apart; the digest is of everything asked for.
    """
    first, second = asking("set/water.xyz", "set/water.xyz", batch="b").jobs
    [other] = asking("set/water.xyz", batch="b", priority=1).jobs

    assert re.fullmatch(r"[0-9a-f]{32}", first.id)
    assert first.id != second.id
    assert first.digest == second.digest != other.digest


def test_a_batch_is_named_after_the_folder() -> None:
    """
    Several jobs are a batch, by the name of the folder they share and four digits.
    """
    found = asking("set/water.xyz", "set/water.xyz")

    assert re.fullmatch(r"set-[0-9a-f]{4}", found.batch)
    assert {found.batch} == {job.batch for job in found.jobs}


def test_frames_are_jobs_if_they_are_asked_to_be(folder: Path) -> None:
    """
    A file of several structures is refused unless `--split` makes a job of each.
    """
    (folder / "two.xyz").write_text(WATER + WATER)
    found = asking("set/two.xyz", split=True)

    assert "set/two.xyz: 2 frames; nothing was submitted" == refusal("set/two.xyz").message
    assert ["two-0001", "two-0002"] == [job.name for job in found.jobs]
    assert [1, 2] == [spec_of(job).source.frame for job in found.jobs]


def test_prepare_one_bad_input_refuses_all() -> None:
    """
    Where one of the inputs is bad nothing comes of the others.
    """
    said = refusal("set/water.xyz", "set/methyl.xyz", "set/gone.xyz")

    assert "2 of 3 inputs were refused; nothing was submitted" == said.message
    assert ("set/methyl.xyz: 9 electrons", "set/gone.xyz: no such file") == (
        said.details[0][:27], said.details[1],
    )  # fmt: skip


def test_bad_inputs_may_be_left_out() -> None:
    """
    With `--skip-bad` the good ones remain, and a warning names the others.
    """
    found = asking("set/water.xyz", "set/methyl.xyz", "set/gone.xyz", skip_bad=True)

    assert ["water"] == [job.name for job in found.jobs]
    assert "2 inputs were refused and left out" == found.warnings[0]
    assert "set/gone.xyz: no such file" == found.warnings[2]


def test_prepare_nothing_but_bad_inputs_is_refused_all_the_same() -> None:
    """
    `--skip-bad` leaves out some, not all.
    """
    assert (
        "set/gone.xyz: no such file; nothing was submitted" == refusal("set/gone.xyz", skip_bad=True).message
    )


@pytest.mark.parametrize(("files", "stdin"), [([], ""), (["-"], ""), (["-"], " \n\n"), (["-"], "[]")])
def test_prepare_no_input_matches_nothing(files: list[str], stdin: str) -> None:
    """
    Without input there is nothing to do, which is an error unless it is allowed.
    """
    with pytest.raises(NothingMatched):
        asking(*files, stdin=stdin)

    assert [] == asking(*files, stdin=stdin, allow_empty=True).jobs


def test_stdin_holds_a_structure_or_requests() -> None:
    """
    What stdin holds is told by its first character.
    """
    [water] = asking("-", stdin=WATER).jobs
    echo = asking("-", stdin='{"kind": "echo"}\n{"kind": "echo", "name": "b"}').jobs

    assert ("stdin", "stdin", 3) == (water.name, spec_of(water).source.file, water.atoms)
    assert [("echo", "", "echo"), ("echo", "b", "echo")] == [(job.kind, job.name, job.engine) for job in echo]


@pytest.mark.parametrize("at", ["list", "-"])
def test_files_may_be_listed(folder: Path, at: str) -> None:
    """
    `--files-from` reads names from a file or from stdin, and adds them to those on the command line.
    """
    names = "set/water.xyz\nset/water.xyz\n"
    (folder.parent / "list").write_text(names)

    assert 3 == len(asking("set/water.xyz", files_from=at, stdin=names).jobs)


@pytest.mark.parametrize(("files", "more"), [(["-", "-"], {}), (["-"], {"files_from": "-"})])
def test_stdin_is_read_once(files: list[str], more: dict[str, str]) -> None:
    """
    Stdin cannot be two inputs, or an input and the list of them.
    """
    with pytest.raises(UsageError, match="stdin"):
        asking(*files, **more)


def test_an_echo_job_needs_no_file() -> None:
    """
    `--kind echo` is a job by itself, with the payload as it was given.
    """
    [job] = asking(kind="echo", payload='{"x": [1, 2.5, "é"]}', name="n").jobs

    assert ({"kind": "echo", "payload": {"x": [1, 2.5, "é"]}}, "n") == (json.loads(job.spec_json), job.name)


@pytest.mark.parametrize(
    "payload", ["{", "NaN", '{"a": 1, "a": 2}', '"\\ud800"', "[" * 40 + "]" * 40, '"' + "x" * 2**21 + '"']
)
def test_a_payload_every_program_reads_alike(payload: str) -> None:
    """
    A payload that is no JSON, ambiguous, not text, too deep or too large is refused.
    """
    assert "nothing was submitted" == refusal(kind="echo", payload=payload).did


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "echo", "opt": OptLevel.NORMAL},
        {"kind": "echo", "chrg": 0},
        {"kind": "echo", "engine": EngineWanted.XTB},
        {"kind": "echo", "split": True},
        {"payload": "1"},
        {"sp": True, "opt": OptLevel.NORMAL},
        {"sp": True, "grad": True},
        {"uhf": "0", "mult": 1},
        {"uhf": "x"},
        {"cycles": 3},
        {"acc": float("nan")},
        {"tag": ["x"]},
    ],
)
def test_options_that_contradict_each_other(asked: dict[str, Any]) -> None:
    """
    What cannot be meant together is an error of usage, whatever the inputs are.
    """
    with pytest.raises(UsageError):
        asking(**asked)


def test_an_echo_job_reads_no_file() -> None:
    """
    A file beside `--kind echo` is an error of usage.
    """
    with pytest.raises(UsageError, match="reads no file"):
        asking("set/water.xyz", kind="echo")


def test_a_request_for_a_calculation() -> None:
    """
    The form of `opt_properties` becomes a calculation, its own words before those of the comment.
    """
    request = {
        "engine": "xtb",
        "kind": "opt_properties",
        "name": "r",
        "inputs": {
            "xyz": WATER.replace("3\n\n", "3\ncharge=2 multiplicity=3\n"),
            "charge": 1,
            "multiplicity": 2,
            "params": {"gfn": 1, "opt": True, "opt_level": "tight"},
        },
    }
    [job] = asking("-", stdin=json.dumps(request)).jobs
    spec = spec_of(job)

    assert ("r", "opt", OptLevel.TIGHT, Method.GFN1) == (job.name, spec.kind, spec.opt_level, spec.method)
    assert (1, "request", 1, "request") == (
        spec.charge, spec.charge_origin, spec.unpaired, spec.unpaired_origin,
    )  # fmt: skip


def test_a_request_leaves_to_the_comment_what_it_does_not_say() -> None:
    """
    Without charge and multiplicity in the request, those of the structure's comment count.
    """
    xyz = WATER.replace("3\n\n", "3\ncharge=2 multiplicity=3\n")
    request = {"engine": "xtb", "kind": "opt_properties", "inputs": {"xyz": xyz, "params": {"opt": False}}}
    [job] = asking("-", stdin=json.dumps(request)).jobs

    assert ("sp", 2, 2) == (job.kind, spec_of(job).charge, spec_of(job).unpaired)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"xyz": "x", "params": {}}, "stdin:1: inputs.xyz:1:1: the number of atoms was expected"),
        ({"xyz": WATER * 2, "params": {}}, "stdin:1: inputs.xyz: 2 frames"),
        ({"xyz": METHYL, "params": {}}, "stdin:1: 9 electrons"),
        ({"xyz": WATER, "params": {"accuracy": 1e9}}, "stdin:1: accuracy"),
        ({"xyz": WATER, "charge": 2000, "params": {}}, "stdin:1: charge"),
        ({"xyz": "2\n\nH 0 0 0\nH 0 0 0\n", "params": {}}, "stdin:1: atoms 1 (H) and 2 (H)"),
    ],
)
def test_a_request_is_checked_as_a_file_is(inputs: dict[str, Any], words: str) -> None:
    """
    A structure in a request is read and checked as strictly, and the refusal says where it stands.
    """
    request = {"engine": "xtb", "kind": "opt_properties", "inputs": inputs}

    assert refusal("-", stdin=json.dumps(request)).what.startswith(words)


def test_requests_say_themselves_what_to_compute() -> None:
    """
    `--opt` beside requests is an error of usage: they would not follow it.
    """
    with pytest.raises(UsageError, match="--opt is about structures"):
        asking("-", stdin='{"kind": "echo"}', opt=OptLevel.NORMAL)


def test_a_json_file_holds_requests(folder: Path) -> None:
    """
    Files named as JSON are requests, beside structures in one submit.
    """
    (folder / "r.ndjson").write_text('{"kind": "echo"}\n')

    assert ["sp", "echo"] == [job.kind for job in asking("set/water.xyz", "set/r.ndjson").jobs]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2\n\nH 0 0 0\nH 0 0 0.05\n", "0.050 Å apart"),
        ("1\n\nU 0 0 0\n", "U"),
        ("1\ncharge=1 uhf=0\nH 0 0 0\n", "without an electron"),
        ("1\nuhf=1\nHe 0 0 0\n", "even number of electrons"),
        ("1\nuhf=4\nHe 0 0 0\n", "4 unpaired electrons"),
    ],
)
def test_prepare_what_engines_would_crash_on_is_refused(folder: Path, text: str, words: str) -> None:
    """
    A structure that cannot be computed is refused before it is stored, with its file.
    """
    (folder / "bad.xyz").write_text(text)
    said = refusal("set/bad.xyz").what

    assert said.startswith("set/bad.xyz: ")
    assert words in said


@pytest.mark.parametrize("name", ["x.mol2", "x.LOG", "x.zip", "x.xsf", "x.cif", "x.xyz.bz2"])
def test_prepare_other_formats_are_told_by_their_names(name: str) -> None:
    """
    A file of a format nox does not read is refused by its name, whether it is there or not.
    """
    assert re.search("nox does not read|periodic|compressed", refusal(name).what)


def test_files_of_names_that_are_no_text(folder: Path) -> None:
    """
    A file whose name is not UTF-8 is computed; its name is shown with escapes.
    """
    path = b"set/\xffw.xyz"
    (folder / "w").write_text(WATER)
    (folder / "w").rename(folder / path.decode("utf-8", "surrogateescape").removeprefix("set/"))
    [job] = asking(path.decode("utf-8", "surrogateescape")).jobs

    assert ("_w", "set/\\xffw.xyz") == (job.name, spec_of(job).source.file)
