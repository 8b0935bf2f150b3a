"""Those who give a soak its work: they submit, repeat themselves, and cancel, while everything breaks."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.soak.history import Cancel, Said, Submit, Wanted
from benchmarks.soak.stage import NAMES, OWNER, insist, now_ms
from workers.errors import StoreError
from workers.job import ACTIVE, JobState, NewJob
from workers.store.values import Revision

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.soak.references import Molecule
    from benchmarks.soak.stage import Stage
    from workers.store.values import Accepted

MAX_ACTIVE = 16
# The number of jobs that are submitted twice at once: a few, or enough for each slot to hold several.
FEW, MANY = (1, 5), (200, 400)
COMMAND_S = 60.0
_STATES = {"cancelled": JobState.CANCELLED, "running": JobState.RUNNING}
_EXITS = {0, 4}


class Crew:
    """All that is asked for during a soak, and by whom.  `run` in a thread each."""

    def __init__(self, stage: Stage, molecules: Sequence[Molecule], seed: int) -> None:
        self.wanted: dict[str, Wanted] = {}
        self.submits: list[Submit] = []
        self.cancels: list[Cancel] = []
        self.unexpected: list[str] = []
        self._stage = stage
        self._molecules = molecules
        self._seed = seed
        self._numbers = count(1)
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(who, pause_s), name=who.__name__)
            for who, pause_s in (
                (self._submit, 0.2),
                (self._submit_again, 2.0),
                (self._cancel, 1.5),
                (self._label, 0.5),
            )
        ]

    def start(self) -> None:
        """Let them begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them finish what they are at."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, step: Callable[[random.Random], None], pause_s: float) -> None:
        rng = random.Random(f"{self._seed} {step.__name__}")
        while not self._ended.wait(rng.uniform(0, 2 * pause_s)):
            try:
                step(rng)
            except StoreError:
                continue
            except Exception as error:  # noqa: BLE001 - it is reported, and the soak continues
                self.unexpected.append(f"{step.__name__}: {error!r}")

    def _name(self, wanted: Wanted) -> str:
        name = f"{NAMES}{next(self._numbers)}"
        self.wanted[name] = wanted
        return name

    def _echo(self) -> tuple[str, object]:
        payload = {"n": next(self._numbers), "text": "é☃\n", "list": [1, 2.5, None, True]}
        return self._name(Wanted("echo", payload)), payload

    # -- nox submit --------------------------------------------------------------------------------

    def _submit(self, rng: random.Random) -> None:
        store = self._stage.open_store()
        try:
            active = sum(number for state, number in store.counts().items() if state in ACTIVE)
        finally:
            store.close()
        if active < MAX_ACTIVE:
            rng.choice((self._submit_one, self._submit_many, self._submit_files, self._submit_files))(rng)

    def _submit_one(self, rng: random.Random) -> None:
        name, payload = self._echo()
        words = ("--kind", "echo", "--payload", json.dumps(payload), "--name", name)
        self._command(rng, (name,), *words)

    def _submit_many(self, rng: random.Random) -> None:
        jobs = [self._echo() for _ in range(rng.randint(5, 40))]
        lines = [{"kind": "echo", "payload": payload, "name": name} for name, payload in jobs]
        text = "\n".join(map(json.dumps, lines))
        self._command(rng, tuple(name for name, _ in jobs), "-", text=text)

    def _submit_files(self, rng: random.Random) -> None:
        """Hand structures over, each in a file of its job's name."""
        kind = rng.choice(("sp", "opt", "opt", "opt"))
        chosen = rng.choices([one for one in self._molecules if one.kind == kind], k=rng.randint(4, 16))
        files = []
        for molecule in chosen:
            name = self._name(Wanted(kind, energy_hartree=molecule.energy_hartree))
            files.append(self._stage.folder / "structures" / f"{name}.xyz")
            files[-1].write_text(molecule.xyz)
        names = tuple(file.stem for file in files)
        self._command(rng, names, *map(str, files), *(("--opt",) if kind == "opt" else ("--sp",)))
        for file in files:
            file.unlink()

    def _command(
        self, rng: random.Random, names: tuple[str, ...], *words: str, text: str | None = None
    ) -> None:
        retries = str(rng.choice((0, 0, 1)))
        options = (f"--priority={rng.randint(-5, 5)}", "--batch", names[0], "--retries", retries)
        at_ms = now_ms()
        try:
            front = {"REDIS_URL": self._stage.front_url}
            reply = self._stage.nox("submit", *words, *options, input=text, env=front, limit_s=COMMAND_S)
        except subprocess.TimeoutExpired:
            self.submits.append(Submit(at_ms, names, (), Said.UNKNOWN))
            self.unexpected.append(f"nox submit {names[0]} took more than {COMMAND_S} s")
            return
        if reply.returncode not in _EXITS:
            self.unexpected.append(f"nox submit {names[0]}: exit {reply.returncode}: {reply.stderr}")
        self.submits.append(heard(at_ms, names, reply.returncode, reply.stdout, reply.stderr))

    # -- the Store API -----------------------------------------------------------------------------

    def _submit_again(self, rng: random.Random) -> None:
        """Submit jobs of fixed ids twice at once, each until it is accepted."""
        made = [self._echo() for _ in range(rng.randint(*rng.choice((FEW, MANY))))]
        jobs = [_new_job(name, payload, rng) for name, payload in made]
        names, ids = tuple(job.name for job in jobs), tuple(job.id for job in jobs)
        at_ms = now_ms()
        with ThreadPoolExecutor(2) as pool:
            try:
                one, other = pool.map(self._insist_on, [jobs, jobs[::-1]])
            except StoreError:
                self.submits.append(Submit(at_ms, names, (), Said.UNKNOWN))
                raise
        if one != other:
            self.unexpected.append(f"one submit got the numbers {one}, the same again {other}")
        self.submits.append(Submit(at_ms, names, ids, Said.STORED))

    def _insist_on(self, jobs: Sequence[NewJob]) -> Mapping[str, int]:
        store = self._stage.open_store(over_front=True)
        try:
            token = uuid.uuid4().hex
            accepted: list[Accepted] = insist(lambda: store.submit(jobs, submission=token))
            return {one.job_id: one.number for one in accepted}
        finally:
            store.close()

    # -- nox cancel --------------------------------------------------------------------------------

    def _cancel(self, rng: random.Random) -> None:
        """Cancel one of the newest jobs, as a program or as a person does."""
        ids = [job_id for submit in self.submits[-10:] for job_id in submit.ids]
        if ids:
            job_id = rng.choice(ids)
            (self._cancel_by_command if rng.random() < 0.3 else self._cancel_by_store)(job_id)

    def _label(self, rng: random.Random) -> None:
        """Add a tag to some of the newest jobs: to those that still wait."""
        ids = [job_id for submit in self.submits[-3:] for job_id in submit.ids]
        revision = Revision(tags={rng.choice("ab"): rng.choice(("x=y", "é/☃", ""))})
        with closing(self._stage.open_store()) as store:
            store.revise(rng.sample(ids, min(len(ids), 10)), revision, owner=OWNER)

    def _cancel_by_store(self, job_id: str) -> None:
        sent_ms = now_ms()
        after = None
        try:
            store = self._stage.open_store()
            try:
                (done,) = store.cancel([job_id], owner=OWNER)
                after = done.after
            finally:
                store.close()
        finally:
            acked_ms = None if after is None else now_ms()
            self.cancels.append(Cancel(job_id, sent_ms, acked_ms, after))

    def _cancel_by_command(self, job_id: str) -> None:
        sent_ms = now_ms()
        reply = self._stage.nox("cancel", job_id, "--json", limit_s=COMMAND_S)
        if reply.returncode not in _EXITS:
            self.unexpected.append(f"nox cancel {job_id}: exit {reply.returncode}: {reply.stderr}")
        if reply.returncode == 0:
            (done,) = json.loads(reply.stdout)["jobs"]
            after = _STATES.get(done["state"], JobState.DONE)  # it had ended
            self.cancels.append(Cancel(job_id, sent_ms, now_ms(), after))
        else:
            self.cancels.append(Cancel(job_id, sent_ms))


def heard(at_ms: int, names: tuple[str, ...], code: int, out: str, words: str) -> Submit:
    """Read the reply of a command."""
    ids = tuple(out.split())
    if code == 0:
        said = Said.STORED
    elif ids:
        said = Said.UNKNOWN if "at least" in words else Said.CUT
    else:
        said = Said.DENIED if "not submitted" in words or "nothing was submitted" in words else Said.UNKNOWN
    return Submit(at_ms, names, ids, said, words)


def _new_job(name: str, payload: object, rng: random.Random) -> NewJob:
    spec = json.dumps({"kind": "echo", "payload": payload})
    return NewJob(
        id=uuid.uuid4().hex,
        owner=OWNER,
        kind="echo",
        spec_json=spec,
        digest=hashlib.sha256(spec.encode()).hexdigest()[:32],
        engine="echo",
        name=name,
        priority=rng.randint(-5, 5),
    )
