"""Sessions of the page: a statement in a cookie, and a key for it in a header of each request.

The server keeps no sessions: it signs the statement with its own token, and reads it again with each request.
The statement names the token that the session represents, its end, and a random number, the nonce:

    cookie:  1.TOKEN_ID.EXPIRES_MS.NONCE.MAC(cookie, statement)
    header:  MAC(header, statement)

Both are needed.  A browser sends the cookies of a host to every port of it, thus to servers of other users of
a login node; it sends the header to the origin of the page only.  The cookie gives no way to the header:
both are HMAC-SHA256 of the same statement for different purposes.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import NamedTuple

VALID_MS = 7 * 86_400_000
HEADER = "X-Nox-CSRF"
_VERSION = "1"
_COOKIE = re.compile(r"(1\.([0-9a-f]{16})\.(\d{13})\.[0-9a-f]{32})\.([0-9a-f]{64})", re.ASCII)
_NONCE_BYTES = 16


class PageSession(NamedTuple):
    """A session that begins: what its browser keeps."""

    cookie: str
    csrf: str
    expires_ms: int


class HeldSession(NamedTuple):
    """A session that a request has shown."""

    token_id: str
    expires_ms: int


def begin(token_id: str, expires_ms: int, secret: str) -> PageSession:
    """Begin a session.

    Args:
        token_id: the token that it represents.
        expires_ms: its end, in milliseconds since 1970 UTC.
        secret: the server's own token, which signs.
    """
    statement = f"{_VERSION}.{token_id}.{expires_ms}.{secrets.token_hex(_NONCE_BYTES)}"
    cookie = f"{statement}.{_mac(secret, 'cookie', statement)}"
    return PageSession(cookie, _mac(secret, "header", statement), expires_ms)


def read(cookie: str, csrf: str, secret: str) -> HeldSession | None:
    """Read a session, which may have expired; None: the cookie or the header is not this server's.

    Args:
        cookie: the value of the cookie.
        csrf: the value of the header.
        secret: the server's own token; empty: there is none now.
    """
    found = _COOKIE.fullmatch(cookie)
    if found is None or not secret or not csrf.isascii():
        return None
    statement, token_id, expires_ms, mac = found.groups()
    is_cookie = hmac.compare_digest(_mac(secret, "cookie", statement), mac)
    is_header = hmac.compare_digest(_mac(secret, "header", statement), csrf)
    return HeldSession(token_id, int(expires_ms)) if is_cookie and is_header else None


def _mac(secret: str, purpose: str, statement: str) -> str:
    """Sign a statement for one purpose."""
    return hmac.digest(secret.encode(), f"nox page {purpose}\0{statement}".encode(), "sha256").hex()
