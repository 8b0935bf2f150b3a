"""The files of the page: open to everyone, kept by browsers, and shown in no page of another origin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nox_cli.serve.page

if TYPE_CHECKING:
    import httpx2

STATIC = Path(nox_cli.serve.page.__file__).parent / "static"


@pytest.fixture
def stranger(app_client: httpx2.Client) -> httpx2.Client:
    """A client without a token."""
    del app_client.headers["Authorization"]
    return app_client


def test_the_page_is_shown_without_a_token(stranger: httpx2.Client) -> None:
    """
    Its policy lets it load from this server only, run no text, and be shown in no frame.
    """
    found = stranger.get("/")
    policy = dict(
        part.strip().partition(" ")[::2] for part in found.headers["Content-Security-Policy"].split(";")
    )

    assert "text/html; charset=utf-8" == found.headers["Content-Type"]
    assert "unsafe" not in found.headers["Content-Security-Policy"]
    assert ("'none'", "'self'", "'self'") == (
        policy["default-src"],
        policy["script-src"],
        policy["connect-src"],
    )
    assert ("'none'", "'none'", "'none'") == (
        policy["frame-ancestors"],
        policy["base-uri"],
        policy["form-action"],
    )
    assert "'script'" == policy["require-trusted-types-for"]
    assert {
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }.items() <= {name.title().replace("Csp", "CSP"): value for name, value in found.headers.items()}.items()


def test_a_file_that_a_browser_has_is_not_sent_again(stranger: httpx2.Client) -> None:
    """
    It asks each time, by the tag of its copy, and gets the policy again too.
    """
    for path in ("/", "/page/app.js", "/page/style.css"):
        found = stranger.get(path)
        again = stranger.get(path, headers={"If-None-Match": found.headers["ETag"]})

        assert (200, "no-cache") == (found.status_code, found.headers["Cache-Control"])
        assert (304, b"") == (again.status_code, again.content)
        assert found.headers["Content-Security-Policy"] == again.headers["Content-Security-Policy"]
        assert 200 == stranger.get(path, headers={"If-None-Match": '"x"'}).status_code


def test_a_file_is_packed_for_a_browser_that_can_unpack_it(stranger: httpx2.Client) -> None:
    """
    It has the same content and tag then, and takes less than half of the bytes.
    """
    plain = stranger.get("/page/style.css", headers={"Accept-Encoding": "identity"})
    packed = stranger.get("/page/style.css", headers={"Accept-Encoding": "gzip, br"})

    assert (None, "gzip") == tuple(one.headers.get("Content-Encoding") for one in (plain, packed))
    assert plain.content == packed.content == (STATIC / "style.css").read_bytes()
    assert 2 * int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    assert ("Accept-Encoding", plain.headers["ETag"]) == (packed.headers["Vary"], packed.headers["ETag"])


def test_every_file_that_the_page_names_is_served(stranger: httpx2.Client) -> None:
    """
    The addresses in the page are relative, so that it can be below a prefix; each file has its type.
    """
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    named = re.findall(r'(?:src|href)="([^"#]+)"', (STATIC / "index.html").read_text())

    assert named
    for name in named:
        found = stranger.get(f"/{name}")
        assert not name.startswith(("/", "http"))
        assert (200, kinds[Path(name).suffix]) == (
            found.status_code,
            found.headers["Content-Type"].partition(";")[0],
        )


@pytest.mark.parametrize(
    "path",
    [
        "/page/",
        "/page/lib",
        "/page/index.html",
        "/page/../assets.py",
        "/page/%2e%2e/assets.py",
        "/page/..%2fassets.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/vendor/manifest.json",
    ],
)
def test_a_path_leads_to_no_other_file(stranger: httpx2.Client, path: str) -> None:
    """
    Only files that were there at the start, and of the types of a page, have an address.
    """
    answer = stranger.get(path)

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])
