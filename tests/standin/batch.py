"""A program of Slurm that misbehaves on demand: `batch.py NAME FOLDER REAL WORDS...`.

`tests.support.batch.BatchStandIn` puts it on a PATH and orders its acts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path


def main(name: str, folder: Path, real: str, words: list[str]) -> int:
    """Note the call, and do what is ordered."""
    script = sys.stdin.buffer.read()
    with (folder / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps([name, *words]) + "\n")
    act, text = ordered(folder / f"{name}.json")
    if act == "refuse":
        sys.stderr.write(f"{text}\n")
        return 1
    if act == "hang":
        hang()
    if act in {"lose", "garbage"}:
        sys.stdout.write(f"{text}\n")
        return 0
    if act == "kill_before":
        os.kill(os.getppid(), signal.SIGKILL)
        return 1
    code = 0
    for _ in range(2 if act == "twice" else 1):
        ended = subprocess.run([real, *words], input=script, capture_output=True, check=False)
        code = ended.returncode
        if act == "swallow":
            hang()
        if act == "kill_after":
            os.kill(os.getppid(), signal.SIGKILL)
        if act != "mute":
            sys.stdout.write(ended.stdout.decode())
            sys.stderr.write(ended.stderr.decode())
    return code


def hang() -> None:
    """Wait for another process, which has this one's output."""
    subprocess.run(["sleep", "3600"], check=False)


def ordered(path: Path) -> tuple[str, str]:
    """Read the act that is ordered now, and its text; one that is ordered for some calls is used up."""
    try:
        order = json.loads(path.read_text())
    except FileNotFoundError:
        return "pass", ""
    if order["times"] == 0:
        return "pass", ""
    if order["times"] is not None:
        new = path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(order | {"times": order["times"] - 1}))
        new.replace(path)
    return order["act"], order["text"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
