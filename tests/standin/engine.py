"""An engine that does what a test tells it: the payload of an echo job names a deed and its arguments.

Started only by a keeper whose `entry` names this module; no specification of a user's reaches it.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.engine import registry
from workers.engine.registry import load
from workers.errors import NotConverged
from workers.job import Progress
from workers.keeper import frames
from workers.result import EchoResult
from workers.spec import ChemistrySpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workers.result import ChemistryResult
    from workers.spec import EchoSpec

MIB = 1024**2
# Stays at a step until there is a file next to the structure's.
HELD, HELD_AT, HELD_STEP_S, GO = "held", 12, 0.06, "go"


def preload(libraries: Sequence[str]) -> None:
    """Load what the real one loads."""
    registry.preload(libraries)


def prepare(spec: EchoSpec | ChemistrySpec) -> None:
    """Prepare what the real one prepares."""
    registry.prepare(spec)


def run(
    spec: EchoSpec | ChemistrySpec,
    scratch: Path,
    report: Callable[[Progress], None],
    warn: Callable[[str], None],
) -> EchoResult | ChemistryResult:
    """Do the deed; a calculation goes to its engine past the checks, held up if its file's name says so."""
    if isinstance(spec, ChemistrySpec):
        source = Path(spec.source.file)
        if HELD in source.name:
            report = held(report, source.with_name(GO))
        return load(spec.engine).run(spec, scratch, report, warn)
    payload: Any = spec.payload
    return EchoResult(payload=DEEDS[payload["do"]](payload, report, warn))


def held(report: Callable[[Progress], None], go: Path) -> Callable[[Progress], None]:
    """Let each step take a little while, and none follow one that is far enough before a file is there."""

    def tell(progress: Progress) -> None:
        time.sleep(HELD_STEP_S)
        report(progress)
        while (progress.step or 0) >= HELD_AT and not go.exists():
            time.sleep(HELD_STEP_S)
            report(progress)

    return tell


def tell(payload: Any, report: Callable[[Progress], None], warn: Callable[[str], None]) -> Any:
    """Print, report and warn as asked, and return what this process is."""
    for line in payload.get("print", ()):
        print(line)  # noqa: T201
    for step in range(payload.get("steps", 0)):
        report(Progress(phase="opt", step=step + 1, energy_hartree=-1.0 - step))
    for text in payload.get("warn", ()):
        warn(text)
    return {
        "pid": os.getpid(),
        "group": os.getpgid(0),
        "session": os.getsid(0),
        "folder": os.getcwd(),  # noqa: PTH109
        "environment": dict(os.environ),
        "modules": sorted(sys.modules),
        "stack": resource.getrlimit(resource.RLIMIT_STACK)[0],
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "umask": os.umask(0o077),
        "files": sorted(Path(f"/proc/self/fd/{fd.name}").resolve().name for fd in _descriptors()),
    }


def _descriptors() -> list[Path]:
    """The open files, without that of the folder they are listed from."""
    return [fd for fd in Path("/proc/self/fd").iterdir() if fd.exists()]


def sleep(payload: Any, *_: Any) -> None:
    """Say so, then do nothing for a long time; deaf to TERM if asked."""
    if payload.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("asleep", flush=True)  # noqa: T201
    time.sleep(600)


def nap(payload: Any, *_: Any) -> None:
    """Do nothing for so long."""
    time.sleep(payload["s"])


def linger(payload: Any, report: Callable[[Progress], None], _: Any) -> str:
    """Report a step now and then until a file appears; leave processes behind if asked."""
    spawn(payload)
    step = 0
    while not Path(payload["until"]).exists():
        report(Progress(phase="opt", step=(step := step + 1)))
        time.sleep(payload.get("every_s", 0.05))
    return "lingered"


def sign(payload: Any, *_: Any) -> int:
    """Sign a book, print so many MiB of lines that no other process prints, and return one's number once a
    file is there.
    """
    line = b"%d\n" % os.getpid()
    with Path(payload["book"]).open("ab") as book:
        book.write(line)
    printed = line * (int(payload.get("mib", 0) * MIB) // len(line))
    while printed:
        printed = printed[os.write(1, printed) :]
    while not Path(payload["until"]).exists():
        time.sleep(0.05)
    return os.getpid()


def die(payload: Any, *_: Any) -> None:
    """Print some last words and die of a signal, or end with a code."""
    for line in payload.get("print", ()):
        print(line, flush=True)  # noqa: T201
    if "code" in payload:
        os._exit(payload["code"])
    os.kill(os.getpid(), payload["signal"])
    time.sleep(600)


def take_down(payload: Any, report: Callable[[Progress], None], _: Any) -> None:
    """Print some last words, report a step again and again, and kill the worker once a file is there."""
    for line in payload.get("print", ()):
        print(line, flush=True)  # noqa: T201
    while not Path(payload["once"]).exists():
        report(Progress(phase="opt", step=payload["step"]))
        time.sleep(0.05)
    keeper = Path(f"/proc/{os.getppid()}/stat").read_text()
    os.kill(int(keeper.rpartition(")")[2].split()[1]), signal.SIGKILL)
    time.sleep(600)


def leave(*_: Any) -> None:
    """End the process the way a script does."""
    sys.exit(0)


def grow(payload: Any, *_: Any) -> int:
    """Take memory until there is none."""
    taken = bytearray(payload["mib"] * MIB)
    taken[::4096] = b"x" * len(taken[::4096])
    return len(taken)


def babble(payload: Any, *_: Any) -> None:
    """Print for ever, or so many MiB."""
    chunk = b"y\n" * (MIB // 2)
    left = payload.get("mib", 1 << 30)
    while left:
        os.write(1, chunk)
        left -= 1


def spawn(payload: Any, *_: Any) -> list[int]:
    """Leave processes behind: children, and a daemon that was forked twice and left its session."""
    started = [_child(os.fork) for _ in range(payload.get("children", 0))]
    for _daemon in range(payload.get("daemons", 0)):
        ours, theirs = os.pipe()
        if os.fork() == 0:
            os.setsid()
            os.write(theirs, b"%d\n" % _child(os.fork))
            os._exit(0)
        started.append(int(os.read(ours, 32)))
        os.wait()
    if payload.get("stay"):
        print("spawned", *started, flush=True)  # noqa: T201
        time.sleep(600)
    return started


def _child(fork: Callable[[], int]) -> int:
    pid = fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
        os._exit(0)
    return pid


def fork_without_room(*_: Any) -> int:
    """Fork where no more processes are allowed."""
    if os.getuid() == 0:
        os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return os.fork()


def write(payload: Any, *_: Any) -> int:
    """Write a file of so many MiB."""
    with Path("large").open("wb") as file:
        return sum(file.write(b"\0" * MIB) for _ in range(payload["mib"]))


def fail(*_: Any) -> None:
    """Raise what no engine should."""
    raise RuntimeError("something unforeseen")


def give_up(*_: Any) -> None:
    """Fail to converge without a partial result."""
    raise NotConverged("not converged in 3 steps", evidence=("|g| is 1",))


def nan(*_: Any) -> float:
    """Compute what is not a number."""
    print("TOTAL ENERGY NaN", flush=True)  # noqa: T201
    return float("nan")


def send(payload: Any, *_: Any) -> None:
    """Write bytes of one's own to the jobs socket: no frame, or another's."""
    import socket

    jobs = next(
        sock for sock in map(_socket, range(3, 64)) if sock is not None and sock.family == socket.AF_UNIX
    )
    raw = bytes.fromhex(payload["hex"]) if "hex" in payload else _framed(payload["text"])
    jobs.sendall(raw)
    if payload.get("then") == "sleep":
        time.sleep(600)


def _framed(text: str) -> bytes:
    body = text.encode()
    return frames._HEAD.pack(len(body)) + body


def _socket(number: int) -> Any:
    import socket

    try:
        return socket.socket(fileno=os.dup(number))
    except OSError:
        return None


DEEDS: dict[str, Callable[..., Any]] = {
    "tell": tell,
    "sleep": sleep,
    "nap": nap,
    "linger": linger,
    "sign": sign,
    "die": die,
    "take down": take_down,
    "leave": leave,
    "grow": grow,
    "babble": babble,
    "spawn": spawn,
    "fork without room": fork_without_room,
    "write": write,
    "fail": fail,
    "give up": give_up,
    "nan": nan,
    "send": send,
}
