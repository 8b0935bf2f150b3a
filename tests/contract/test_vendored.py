"""The scripts of others that the page brings: unchanged, and with the licences of all their parts."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "nox_cli" / "serve" / "page" / "static" / "vendor"
PACKAGES: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
HASHES = {name: file["sha256"] for package in PACKAGES for name, file in package["files"].items()}
LICENCES = {name for package in PACKAGES for name in package["licences"]}


@pytest.mark.parametrize("name", HASHES)
def test_a_vendored_file_is_the_one_that_was_published(name: str) -> None:
    """
    A file has the SHA-256 that its package had on the day it was taken.
    """
    assert HASHES[name] == hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()


def test_vendored_files_are_all_in_the_manifest() -> None:
    """
    There is no file without origin and hash, and no licence that belongs to nothing.
    """
    assert {*HASHES, "manifest.json"} == {path.name for path in VENDOR.iterdir() if path.is_file()}
    assert LICENCES == {path.name for path in (VENDOR / "licences").iterdir()}


def test_vendored_files_come_from_the_version_that_the_manifest_names() -> None:
    """
    Each origin is the package of that version, by its name for `npm pack`.
    """
    for package in PACKAGES:
        assert f"npm:{package['name']}@{package['version']}" == package["origin"]


def test_vendored_licences_are_in_the_metadata_of_the_wheel() -> None:
    """
    `license-files` covers the text of each licence, and the licence expression names their kinds.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    covered = {path for pattern in project["license-files"] for path in ROOT.glob(pattern)}

    assert {ROOT / "LICENSE", *(VENDOR / "licences").iterdir()} == covered
    assert {"MIT", "BSD-3-Clause", "Zlib"} == set(project["license"].split(" AND "))
