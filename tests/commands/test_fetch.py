"""`nox fetch`: what jobs left, as files here."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import complete, fail, record, run_again, run_badly, water, xyz
from tests.support.stores import artifact, claim, outcome, submit, submit_named
from tests.support.terminal import Terminal
from workers.store.values import Artifact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store

WATER = "3\nwater\nO 0 0 0.1\nH 0 0.7 -0.4\nH 0 -0.7 -0.4\n"
BIG = b"a long trajectory\n" * 10_000


def files(directory: Path) -> set[str]:
    """Name the files in a directory, part files too."""
    return {path.name for path in directory.iterdir() if path.is_file()}


def on_disk(path: Path, content: bytes = BIG, host: str = "node07") -> Artifact:
    """Make an artifact that lies in a file of a worker's machine."""
    return Artifact(
        "trajectory.xyz", len(content), hashlib.sha256(content).hexdigest(), "", host=host, path=str(path)
    )


def test_the_final_geometry(any_nox: Nox, any_store: Store) -> None:
    """
    By default the final geometry becomes NAME-opt.xyz here, readable as one's own files are.
    """
    complete(any_store)
    ended = any_nox("fetch", "1", check=True)
    path = any_nox.cwd / "water-opt.xyz"

    assert "water-opt.xyz\n" == ended.stdout
    assert path.read_text().startswith("3\nwater\nO 0 0 0.1\n")
    assert 0o666 & ~umask() == path.stat().st_mode & 0o777


def umask() -> int:
    """Read this process's umask, which nox inherits."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        return next(int(line.split()[1], 8) for line in status if line.startswith("Umask"))


def test_files_by_name(nox: Nox, store: Store) -> None:
    """
    Other files are fetched by name; result.json is the record of the outcome.
    """
    complete(store)
    said = nox("fetch", "1", "engine.log", "result.json", "-d", "out", check=True).stdout

    assert "out/water-engine.log\nout/water-result.json\n" == said
    assert "one\ntwo\n" == (nox.cwd / "out/water-engine.log").read_text()
    assert 14.0 == json.loads((nox.cwd / "out/water-result.json").read_text())["result"]["gap_ev"]


def test_never_over_a_file(nox: Nox, store: Store) -> None:
    """
    A file in the way is left as it is, and none of the others is written; --force writes over it.
    """
    complete(store)
    complete(store, water("cat"))
    mine = nox.cwd / "cat-opt.xyz"
    mine.write_text("mine")
    before = files(nox.cwd)
    ended = nox("fetch", "1-2")

    assert (2, "") == (ended.returncode, ended.stdout)
    assert "cat-opt.xyz is there already; nothing was written" in ended.stderr
    assert ("mine", before) == (mine.read_text(), files(nox.cwd))

    nox("fetch", "1-2", "--force", check=True)

    assert "3\ncat\n" == mine.read_text()[:6]


def test_a_link_in_the_way(nox: Nox, store: Store) -> None:
    """
    A link is a file in the way, also one that leads nowhere; --force replaces the link, not its target.
    """
    complete(store)
    precious = nox.cwd / "precious"
    precious.write_text("mine")
    (nox.cwd / "water-opt.xyz").symlink_to(precious)

    assert 2 == nox("fetch", "1").returncode
    nox("fetch", "1", "--force", check=True)
    assert "mine" == precious.read_text()
    assert not (nox.cwd / "water-opt.xyz").is_symlink()


def test_fetch_two_equal_names(nox: Nox, store: Store) -> None:
    """
    Two jobs that would become one file are refused before the first is written; a template tells them apart.
    """
    complete(store)
    complete(store)
    ended = nox("fetch", "1-2", "-d", "out")
    apart = nox("fetch", "1-2", "-d", "out", "--template", "{number}/{name}.{file}", check=True)

    assert 2 == ended.returncode
    assert "jobs 1 and 2 would both become out/water-opt.xyz; nothing was written" in ended.stderr
    assert "out/1/water.opt.xyz\nout/2/water.opt.xyz\n" == apart.stdout


@pytest.mark.parametrize("template", ["{home}", "{name!r}", "{name:>9}", "{name.x}", "{", "{0}"])
def test_a_template_that_makes_no_sense(nox: Nox, store: Store, template: str) -> None:
    """
    A template knows its fields and nothing else.
    """
    complete(store)
    ended = nox("fetch", "1", "--template", template)

    assert 2 == ended.returncode
    assert "hint: fields are {name} {number} {id} {batch} {file}" in ended.stderr


def test_a_name_is_no_path(nox: Nox, store: Store) -> None:
    """
    A name that was tampered with in the store cannot lead out of the directory.
    """
    complete(store, water("../../evil"))
    said = nox("fetch", "1", "-d", "out", check=True).stdout

    assert {said.strip().removeprefix("out/")} == files(nox.cwd / "out")


def test_the_longest_names_there_can_be(nox: Nox, store: Store) -> None:
    """
    A name that leaves a file's no room is cut, and the job's number tells two of them apart.
    """
    for end in ("a", "b"):
        complete(store, water("é" * 127 + end))
    nox("fetch", "1-2", check=True)

    assert {f"{'é' * 100}-{number}-opt.xyz" for number in (1, 2)} == files(nox.cwd)


def test_fetch_what_a_job_did_not_leave(nox: Nox, store: Store) -> None:
    """
    What is there is fetched, what is not is told of, and the exit code is 3.
    """
    complete(store)
    submit_named(store, "waiting")
    some, none = nox("fetch", "1-2"), nox("fetch", "1", "nothing.xyz")

    assert (3, "water-opt.xyz\n") == (some.returncode, some.stdout)
    assert "not fetched: job 2 has not ended yet\n" == some.stderr
    assert 3 == none.returncode
    assert "job 1 left no nothing.xyz (there is " in none.stderr


def test_jobs_without_files_are_counted(nox: Nox, store: Store) -> None:
    """
    Jobs without a file for the same reason share one line, which names them; JSON has a line for each.
    """
    complete(store)
    complete(store)
    for name in ("b", "c", "d"):
        submit_named(store, name)
    found = nox("fetch", "1-5", "trajectory.xyz", "opt.xyz", "--template", "{number}-{file}")
    told = json.loads(nox("fetch", "1-5", "--json", "-d", "again", "--template", "{number}-{file}").stdout)

    assert [
        "not fetched: 2 jobs left no trajectory.xyz: 1-2",
        "not fetched: 3 jobs have not ended yet: 3-5",
    ] == found.stderr.splitlines()
    assert [f"job {number} has not ended yet" for number in (3, 4, 5)] == told["missing"]


def test_every_file_of_a_job(nox: Nox, store: Store) -> None:
    """
    `all` fetches what --ls lists, under names that cannot lead out of the directory.
    """
    complete(store, None, xyz("water"), artifact("engine.log"), artifact("../../up", "elsewhere"))
    nox("fetch", "1", "all", "-d", "out", "--template", "{file}", check=True)

    assert {"opt.xyz", "engine.log", "result.json", ".._.._up"} == files(nox.cwd / "out")
    assert b"content" == (nox.cwd / "out/engine.log").read_bytes()


def test_one_file_to_standard_output(nox: Nox, store: Store) -> None:
    """
    `-o -` writes the bytes of one file, whatever they are, and nothing else; -o FILE makes that file.
    """
    content = bytes(range(256)) * 2
    raw = Artifact(
        "bytes", len(content), hashlib.sha256(content).hexdigest(), "", content=zlib.compress(content)
    )
    complete(store, None, xyz("water"), raw)
    with (nox.cwd / "written").open("wb") as written:
        assert 0 == nox.popen("fetch", "1", "bytes", "-o", "-", stdout=written).wait()
    nox("fetch", "1", "bytes", "-o", "sub/mine", check=True)
    again = nox("fetch", "1", "bytes", "-o", "sub/mine")

    assert content == (nox.cwd / "written").read_bytes()
    assert content == (nox.cwd / "sub/mine").read_bytes()
    assert (2, True) == (again.returncode, "sub/mine is there already" in again.stderr)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("1-2", "-o", "-"), "2 files cannot all become standard output"),
        (("1", "all", "-o", "x"), "3 files cannot all become x"),
        (("1", "-o", "-", "-d", "out"), "--directory contradicts it"),
        (("1", "-o", "-", "--ls"), "--ls contradicts it"),
        (("1", "-o", "-", "--json"), "--json contradicts it"),
    ],
)
def test_one_file_of_several(nox: Nox, store: Store, words: tuple[str, ...], why: str) -> None:
    """
    `-o` takes one file of one job, and no other place.
    """
    complete(store)
    complete(store)
    ended = nox("fetch", *words)

    assert (2, "") == (ended.returncode, ended.stdout)
    assert why in ended.stderr
    assert not files(nox.cwd) - {path.name for path in nox.home.iterdir()}


def test_a_terminal_obeys_no_file(nox: Nox, store: Store) -> None:
    """
    `-o -` writes text to a terminal, and refuses what the terminal could take for commands.
    """
    complete(store, None, xyz("water"), artifact("evil", "\x1b]0;title\x07"))
    with Terminal(nox, "fetch", "1", "evil", "-o", "-") as evil:
        evil.wait_for("hint: write it to a file: -o FILE")
        assert 2 == evil.end()
    with Terminal(nox, "fetch", "1", "-o", "-") as plain:
        plain.wait_for("H 0 0.7 -0.4")
        assert 0 == plain.end()

    assert "title" not in evil.text
    assert "has control characters" in evil.text


def test_files_that_are_there_are_skipped(nox: Nox, store: Store) -> None:
    """
    `--skip-existing` leaves whole files untouched, and writes missing ones and those that are cut short.
    """
    log = artifact("engine.log", "a long log\n" * 1_000)
    for name in ("a", "b", "c"):
        complete(store, water(name), xyz(name), log)
    words = ("fetch", "1-3", "opt.xyz", "engine.log", "result.json")
    nox(*words, check=True)
    whole, cut, empty, gone = (
        nox.cwd / name for name in ("a-opt.xyz", "a-engine.log", "b-result.json", "c-opt.xyz")
    )
    before = {path.name: path.read_bytes() for path in nox.cwd.iterdir() if path.is_file()}
    os.utime(whole, (1, 1))
    os.truncate(cut, 5_000)
    empty.write_bytes(b"")
    gone.unlink()
    ended = nox(*words, "--skip-existing", check=True)

    assert [cut.name, empty.name, gone.name] == sorted(ended.stdout.splitlines())
    assert "6 files were here already, and whole\n" == ended.stderr
    assert before == {path.name: path.read_bytes() for path in nox.cwd.iterdir() if path.is_file()}
    assert 1.0 == whole.stat().st_mtime

    told = json.loads(nox(*words, "--skip-existing", "--json", check=True).stdout)

    assert (0, 9) == (len(told["items"]), len(told["existing"]))


@pytest.mark.parametrize("mine", ["mine", "4\nwater\n", f"{WATER}\n", WATER.replace("7", "8")])
def test_a_file_of_ones_own_is_not_skipped_over(nox: Nox, store: Store, mine: str) -> None:
    """
    A file with another content, shorter or longer, is in the way of `--skip-existing` too.
    """
    complete(store)
    path = nox.cwd / "water-opt.xyz"
    path.write_text(mine)
    ended = nox("fetch", "1", "--skip-existing")

    assert 2 == ended.returncode
    assert "water-opt.xyz is there already; nothing was written" in ended.stderr
    assert mine == path.read_text()


def test_a_pipe_is_in_the_way(nox: Nox, store: Store) -> None:
    """
    `--skip-existing` does not read a pipe, which would wait for a writer.
    """
    complete(store)
    os.mkfifo(nox.cwd / "water-opt.xyz")
    ended = nox("fetch", "1", "--skip-existing", limit_s=60)

    assert 2 == ended.returncode
    assert "water-opt.xyz is there already; nothing was written" in ended.stderr


def test_files_of_one_job_need_names_of_their_own(nox: Nox, store: Store) -> None:
    """
    The error names the files of which both would get the same name.
    """
    complete(store, None, xyz("water"), artifact("engine.log", "log"))
    ended = nox("fetch", "1", "all", "--template", "{name}")

    assert 2 == ended.returncode
    assert "engine.log and opt.xyz of job 1 would both become water; nothing was written" in ended.stderr


def test_a_failed_optimisation(nox: Nox, store: Store) -> None:
    """
    The geometry of a failed optimisation comes with a warning.
    """
    fail(store)
    ended = nox("fetch", "1", check=True)

    assert "prod2-opt.xyz\n" == ended.stdout
    assert "warning: 1 prod2 failed: its geometry is where the optimisation stopped\n" == ended.stderr


def test_a_large_file_within_reach(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    A file the store does not keep is copied from where it lies, if it can be read here.
    """
    source = tmp_path / "big"
    source.write_bytes(BIG)
    complete(store, None, on_disk(source))
    nox("fetch", "1", "trajectory.xyz", check=True)

    assert BIG == (nox.cwd / "water-trajectory.xyz").read_bytes()


def test_a_large_file_out_of_reach(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    A file on another machine is told of by host and path; the final geometry comes all the same.
    """
    away = on_disk(tmp_path / "away")
    complete(store, None, away, away._replace(name="opt.xyz"))
    ended = nox("fetch", "1", "trajectory.xyz")
    listed = nox("fetch", "1", "--ls").stdout
    nox("fetch", "1", check=True)

    assert 3 == ended.returncode
    assert f"lies at node07:{tmp_path}/away" in ended.stderr
    assert f"node07:{tmp_path}/away" in listed
    assert (nox.cwd / "water-opt.xyz").read_text().splitlines()[:2] == [
        "3",
        "energy=-5.070544123457 gnorm=0.000300000",
    ]


def test_a_geometry_made_of_the_record_has_its_cell(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    Where the engine's own file is out of reach, a crystal is one all the same.
    """
    away = on_disk(tmp_path / "away")._replace(name="opt.xyz")
    complete(store, None, away, lattice_angstrom=[[4, 0, 0], [0, 5, 0], [0, 0, 6]])
    nox("fetch", "1", check=True)

    comment = (nox.cwd / "water-opt.xyz").read_text().splitlines()[1]
    assert comment.endswith(' Lattice="4.0 0.0 0.0 0.0 5.0 0.0 0.0 0.0 6.0" pbc="T T T"')


@pytest.mark.parametrize("inside", [True, False])
def test_checksums_are_verified(nox: Nox, store: Store, tmp_path: Path, inside: bool) -> None:
    """
    Bytes that are not those that were kept are refused, and no file is left, not even a part.
    """
    source = tmp_path / "big"
    source.write_bytes(BIG.replace(b"long", b"LONG"))
    kept = artifact("trajectory.xyz")._replace(sha256="0" * 64) if inside else on_disk(source)
    complete(store, None, kept)
    ended = nox("fetch", "1", "trajectory.xyz", "-d", "out")

    assert 4 == ended.returncode
    assert "does not have the checksum it was kept with" in ended.stderr
    assert set() == files(nox.cwd / "out")


def test_fetch_what_there_is(nox: Nox, store: Store) -> None:
    """
    --ls shows names, sizes and sums, and writes nothing.
    """
    complete(store)
    before = files(nox.cwd)
    items = json.loads(nox("fetch", "1", "--ls", "--json").stdout)["items"]

    assert {"opt.xyz", "engine.log", "result.json"} == {item["name"] for item in items}
    assert 64 == len(items[0]["sha256"])
    assert before == files(nox.cwd)
    assert 3 == nox("fetch", "2", "--ls").returncode


def test_a_directory_that_cannot_be_written(nox: Nox, store: Store) -> None:
    """
    What stands in the way of a directory is told of in one line.
    """
    complete(store)
    (nox.cwd / "file").write_text("")
    ended = nox("fetch", "1", "-d", "file/below")

    assert ended.returncode
    assert "error: file/below/water-opt.xyz cannot be written: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_outcome_without_files(nox: Nox, store: Store) -> None:
    """
    A job that left no files still has its record.
    """
    submit(store, water())
    lease = claim(store).lease
    store.finish(lease, outcome(outcome_json=record(lease), artifacts=(xyz("water"),)))

    assert 0 == nox("fetch", "1", "result.json").returncode


def test_fetch_what_an_earlier_attempt_left(any_nox: Nox, any_store: Store) -> None:
    """
    `--attempt` fetches and lists the files of that attempt, a failed one with its warning; JSON names it.
    """
    job_id = complete(any_store)
    run_again(any_store, job_id, xyz("second"))
    any_store.retry([job_id], owner=None, done=True)
    run_badly(any_store, job_id)
    told = {}
    for words, title in (((), "second"), (("--attempt", "1"), "water"), (("--attempt", "3"), "prod2")):
        told[title] = any_nox("fetch", "1", "--force", *words, check=True).stderr
        assert title == (any_nox.cwd / "water-opt.xyz").read_text().splitlines()[1]
    listed = json.loads(any_nox("fetch", "1", "--ls", "--attempt", "1", "--json", check=True).stdout)["items"]
    written = json.loads(any_nox("fetch", "1", "result.json", "--attempt", "1", "--json", check=True).stdout)

    assert "job 1: result of attempt 2; attempt 3 failed\n" == told["second"]
    assert "" == told["water"]
    assert "warning: 1 water failed: its geometry is where the optimisation stopped\n" == told["prod2"]
    assert {("engine.log", 1), ("opt.xyz", 1), ("result.json", 1)} == {
        (made["name"], made["attempt"]) for made in listed
    }
    assert [1] == [made["attempt"] for made in written["items"]]
    assert 1 == json.loads((any_nox.cwd / "water-result.json").read_text())["attempt"]


def test_files_too_large_to_be_kept(any_nox: Nox, any_store: Store) -> None:
    """
    What the store dropped of an earlier attempt is told of as that; the others are there.
    """
    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(3_000))
    job_id = complete(any_store, None, xyz("water"), artifact("trajectory.xyz", noise))
    run_again(any_store, job_id, xyz("second"))
    ended = any_nox("fetch", "1", "trajectory.xyz", "opt.xyz", "--attempt", "1")

    assert "water" == (any_nox.cwd / "water-opt.xyz").read_text().splitlines()[1]
    if any_store.kind == "local":
        assert (0, noise) == (ended.returncode, (any_nox.cwd / "water-trajectory.xyz").read_text())
        return
    why = "not fetched: trajectory.xyz of attempt 1 of job 1 was too large to be kept\n"
    assert (3, why) == (ended.returncode, ended.stderr)
    assert "not kept" in any_nox("fetch", "1", "--ls", "--attempt", "1", check=True).stdout
