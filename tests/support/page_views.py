"""The views of the page, and jobs in every state that they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import msgspec
from playwright.sync_api import expect

from tests.support.browser import LIMIT_MS
from tests.support.ended import SYMBOLS, record, water
from tests.support.stores import artifact, beat, claim, failed, outcome, submit
from tests.support.waiting import wait_until
from workers.job import Progress, Reason
from workers.result import OutcomeRecord, final_progress, read_result
from workers.store.values import Point

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

    from workers.job import Lease
    from workers.store.base import Store

# Goes to another view, and marks the one that is left: no earlier one comes once the page knows the address.
_LEAVE = """route => new Promise((done) => {
    addEventListener("hashchange", () => {
        document.querySelector("main > .view")?.setAttribute("data-left", "");
        done(true);
    }, {once: true});
    location.hash = route;
})"""
_DRAWN = "() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(true)), 50))"
WORKER = "node07-4711-a1b2c3"
_FREQUENCIES: dict[str, Any] = {
    "kind": "ohess",
    "charges_e": [-0.6, 0.3, 0.3],
    "vibrations": {
        "frequencies_cm1": [1_600.0, 3_600.0, 3_700.0],
        "ir_intensities_km_per_mol": [70.0, 5.0, 40.0],
        "imaginary_modes": 0,
        "imaginary_cutoff_cm1": -20.0,
        "lowest_mode_cm1": 1_600.0,
        "gradients": 18,
        "step_bohr": 0.005,
    },
}


class Filled(NamedTuple):
    """The batch that `fill` made: its name, and the numbers of its jobs by how they are."""

    batch: str
    done: int
    failed: int
    running: int
    waiting: int
    cancelled: int

    @property
    def routes(self) -> tuple[str, ...]:
        """The views that show these jobs."""
        return (
            "#/",
            "#/jobs",
            "#/workers",
            f"#/batches/{quote(self.batch, safe='')}",
            *(f"#/jobs/{number}" for number in self[1:]),
        )


def go(page: Page, route: str) -> None:
    """Go to another view, and wait until it has read and drawn what it shows."""
    pending: set[Request] = set()

    def begin(request: Request) -> None:
        if request.headers.get("accept") != "text/event-stream":
            pending.add(request)

    def end(request: Request) -> None:
        pending.discard(request)

    page.on("request", begin)
    page.on("requestfinished", end)
    page.on("requestfailed", end)
    page.evaluate(_LEAVE, route)
    expect(page.locator("main > .view:not([data-left]) h1").first).to_be_visible()
    expect(page.locator("main .skeleton")).to_have_count(0)

    def is_drawn() -> bool:
        # Requests are noted while this thread waits for the browser, as for the title.
        return bool(page.title()) and not pending and page.evaluate(_DRAWN) and not pending

    wait_until(is_drawn, LIMIT_MS / 1_000, lambda: f"{pending}")
    page.remove_listener("request", begin)


def take_time_between_keys(page: Page) -> None:
    """Let two keys be one shortcut, however long a slow machine takes from one to the other."""
    page.evaluate("Object.defineProperty(Event.prototype, 'timeStamp', {get: () => 0})")


def fill(store: Store, text: str = "sample") -> Filled:
    """Store a batch with a job in each state, every text of which is `text`.

    The running job belongs to a worker that lives for a few seconds.
    """
    spec = {
        "charge_origin": text[:255],
        "solvation": "alpb",
        "solvent": text[:40],
        "source": {"file": f"{text}.xyz", "sha256": "ab" * 32},
    }
    # The last two of an earlier call must not be claimed by a later one.
    asked = [
        water(text, batch=text, tags={"set": text}, spec=spec, priority=priority)
        for priority in (0, 0, 0, -1, -1)
    ]
    ids = submit(store, *asked)
    leases = [claim(store, WORKER).lease for _ in range(3)]
    assert ids[:3] == [lease.job_id for lease in leases]
    store.tick(beat(WORKER, name=text, busy=1))
    done, missed, running = leases
    _complete(store, done, text)
    _fail(store, missed, text)
    points = [Point(step, -5.0 - 0.01 * step, 0.1 / step) for step in range(1, 9)]
    store.progress(running, Progress(phase="opt", step=8, energy_hartree=-5.08), points)
    store.cancel([ids[-1]], owner=None)
    return Filled(text, *(job.number for job in store.get_many(ids)))


def _complete(store: Store, lease: Lease, text: str) -> None:
    frame = f"3\n{text}\n" + "".join(f"{symbol} 0 0 {place}\n" for place, symbol in enumerate(SYMBOLS))
    files = (
        artifact("opt.xyz", frame),
        artifact("trajectory.xyz", 5 * frame),
        artifact("engine.log", f"{text}\n"),
        artifact(f"{text.replace('/', '_')[:200]}.txt", text),
    )
    written = record(lease, warnings=[text], engine_version=text, **_FREQUENCIES)
    store.finish(lease, outcome(outcome_json=written, progress=_progress(written), artifacts=files))


def _fail(store: Store, lease: Lease, text: str) -> None:
    why = {"reason": Reason.SCF.value, "message": text, "hint": text, "evidence": [text[:500]]}
    written = record(lease, failure=why, warnings=[text])
    files = (artifact("engine.log", f"{text}\n"),)
    store.finish(
        lease,
        failed(Reason.SCF, outcome_json=written, progress=_progress(written), artifacts=files),
    )


def _progress(written: str) -> Progress:
    return final_progress(read_result(msgspec.json.decode(written, type=OutcomeRecord).result))
