"""Inputs that grow: no reader takes time or memory with their square, or much of either at its limits."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024**2
LIMIT, SETTINGS_LIMIT = 16 * MIB - 4_096, 64 * 1024 - 256
# What is left of a limit of 1 s on a machine that is busy with other tests; processor time is counted.
SECONDS, MEMORY = 4.0, 150 * MIB

# Reads a file as `nox submit` does, and reports the processor time it took and the memory beyond that of the
# libraries.
READER = """
import os, resource, sys, time
from nox_cli.config import files as config_files
from nox_cli.inputs import files, formats, gen, molfile, pdb, poscar, qcschema, requests, turbomole, xyz
from pathlib import Path
from workers import documents
from workers.errors import NoxError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def read(path):
    if path.endswith(".toml"):
        return config_files.read(config_files.ConfigPlace(Path(path)), (), ())
    if path.endswith(".list"):
        return list(files.listed(files.read_file(path)))
    source = files.read_file(path)
    if path.endswith(".ndjson") and not formats.holds_molecule(source):
        return sum(1 for _ in requests.read_requests(source))
    return sum(1 for _ in formats.records_of(source))

def measure(path):
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    began, before = time.process_time(), peak()
    try:
        read(path)
    except NoxError:
        pass
    print(time.process_time() - began, peak() - before, flush=True)
    os._exit(0)

list(requests.read_requests(files.Input("warm", b'{"kind": "echo"}')))
for path in sys.argv[1:]:
    if not (child := os.fork()):
        measure(path)
    assert os.waitpid(child, 0)[1] == 0, path
"""

NAMES = """
import sys
from nox_cli.inputs import files, requests
print(*(type(one).__name__ for one in requests.read_requests(files.read_file(sys.argv[1]))))
"""
REQUEST = '{"engine": "xtb", "kind": "opt_properties", "inputs": '
MOLFILE = "\n\n\n  1  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 H   0  0\n"
GZIP = bytes.fromhex("1f8b080000000000000303000000000000000000")  # of nothing


def keys(size: int) -> str:
    """Write the inside of an object of this size, as many parts as a value may have at most."""
    return ",".join(f'"k{i}":1' for i in range(min(size // 10, 240_000)))


# name -> what a file of about `size` bytes holds
FILES: dict[str, Any] = {
    "members.xyz.gz": lambda size: GZIP * (size // len(GZIP)),
    "keys.ndjson": lambda size: f"{{{keys(size)}}}",
    "twice.ndjson": lambda size: f'{{{keys(size)},"k0":1}}',
    "inputs.ndjson": lambda size: f"{REQUEST}{{{keys(size)}}}}}",
    "frozen.ndjson": lambda size: (
        REQUEST + '{"xyz": "", "params": {"freeze": [' + ",".join(["0"] * min(size // 2, 240_000)) + "]}}}"
    ),
    "lines.ndjson": lambda size: "{}\n" * (size // 3),
    "broken.ndjson": lambda size: "{bad\n" * (size // 5),
    "values.ndjson": lambda size: "1 " * (size // 2),
    "open.ndjson": lambda size: "[" * size,
    "array.ndjson": lambda size: "[" + "1," * (size // 2) + "1]",
    "molecules.ndjson": lambda size: '{"symbols":["H"],"geometry":[0,0,0]}\n' * (size // 38),
    "dots.toml": lambda size: "a" + ".a" * (size // 2) + " = 1\n",
    "lines.toml": lambda size: ("a" + ".a" * 30 + " = 1\n") * (size // 66),
    "deep.toml": lambda size: "a = " + "[" * size,
    "names.list": lambda size: "a\n" * (size // 2),
    "frames.xyz": lambda size: "1\n\nH 0 0 0\n" * (size // 11),
    "short.xyz": lambda size: "1000\n\nH 0 0 0\n" * (size // 14),
    "garbage.xyz": lambda size: "x\n" * (size // 2),
    "numbers.xyz": lambda size: "7\n" * (size // 2),
    "atoms.xyz": lambda size: "H 0 0 0\n" * (size // 8),
    "comment.xyz": lambda size: "1\n" + "q=1 " * (size // 4) + "\nH 0 0 0\n",
    "blanks.xyz": lambda size: "1\ncharge" + " " * size + "x\nH 0 0 0\n",
    "records.sdf": lambda size: f"{MOLFILE}M  END\n$$$$\n" * (size // 100),
    "dollars.sdf": lambda size: "$$$$\n" * (size // 5),
    "charges.sdf": lambda size: MOLFILE + "M  CHG  1   1   1\n" * (size // 19) + "M  END\n",
    "models.pdb": lambda size: "MODEL\nATOM\n" * (size // 11),
    "atoms.pdb": lambda size: "ATOM\n" * (size // 5),
    "coord": lambda size: "$eht charge=1\n" * (size // 15) + "$coord\n0 0 0 h\n$end\n",
    "symbols.gen": lambda size: "1 C\n" + "H " * (size // 2) + "\n1 1 0 0 0\n",
    "elements.poscar": lambda size: (
        "x\n1\n9 0 0\n0 9 0\n0 0 9\n" + "H " * (size // 4) + "\n" + "1 " * (size // 4)
    ),
}


def costs(folder: Path, share: int) -> dict[str, tuple[float, int]]:
    """Read a file of each kind, of this share of its limit, each in a process: processor seconds, memory."""
    paths = []
    for name, content in FILES.items():
        written = content((SETTINGS_LIMIT if name.endswith(".toml") else LIMIT) // share)
        paths.append(folder / name)
        paths[-1].write_bytes(written if isinstance(written, bytes) else written.encode())
    ended = subprocess.run(
        [sys.executable, "-c", READER, *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    rows = (line.split() for line in ended.stdout.splitlines())
    return {name: (float(seconds), int(memory)) for name, (seconds, memory) in zip(FILES, rows, strict=True)}


@pytest.mark.timeout(600)
def test_a_file_at_its_limit_is_read_or_refused_at_once(tmp_path: Path) -> None:
    """
    As much as may be read takes little time and memory, and not more for each byte than an eighth of it.
    """
    part, whole = costs(tmp_path, 8), costs(tmp_path, 1)

    assert {} == {name: cost for name, cost in whole.items() if cost[0] > SECONDS or cost[1] > MEMORY}
    grown = {name: (part[name][0], cost[0]) for name, cost in whole.items() if cost[0] > 0.5}
    assert {} == {name: pair for name, pair in grown.items() if pair[1] > 24 * pair[0]}


def test_a_request_may_carry_a_large_payload(tmp_path: Path) -> None:
    """
    What is within the limits is still read, however many keys it has.
    """
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"kind": "echo", "payload": {f"k{i}": i for i in range(40_000)}}))
    ended = subprocess.run(
        [sys.executable, "-c", NAMES, str(path)], capture_output=True, text=True, timeout=60, check=True
    )

    assert "Requested" == ended.stdout.strip()
