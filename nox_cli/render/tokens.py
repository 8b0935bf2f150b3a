"""Output of `nox token` and `nox serve link`: a new token, the list of tokens, a revocation, a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.render.terminal.columns import aligned
from nox_cli.tokens.links import PageLink
from nox_cli.tokens.management import NewToken, Revoked
from workers.sizes import size_words

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from nox_cli.tokens.management import Tokens
    from workers.store.tokens import Token

_HEADER = ("name", "scope", "owner", "created", "expires", "used", "ceilings")


def text(result: NewToken | Tokens | Revoked, out: Out) -> None:
    """Write a new token alone, so that a script can take it; a line a token; or what was revoked."""
    if isinstance(result, NewToken):
        token = result.token
        ends = f"until {times.iso(token.expires_ms)}" if token.expires_ms else "until it is revoked"
        out.line(result.secret)
        out.note(f"token {token.name}: {token.scope} for {token.owner}, {ends}; it is not shown again")
    elif isinstance(result, Revoked):
        out.line(f"revoked {result.name} ({result.kind}: {result.where})")
    elif not result.tokens:
        out.line("no tokens; nox token new NAME --scope read makes one")
    else:
        now = times.now_ms()
        out.lines(aligned([_HEADER, *(_row(token, now) for token in result.tokens)]))


def link(result: object, out: Out) -> None:
    """Write a link alone; a server that has ended wrote for itself."""
    if isinstance(result, PageLink):
        out.line(result.url)
        out.note("valid once, for 10 minutes")
        if result.tunnel:
            out.note(f"hint: on your own machine, first: {result.tunnel}")


def _row(token: Token, now: int) -> tuple[object, ...]:
    if token.expires_ms is None:
        expires = "never"
    else:
        expires = "expired" if token.is_expired(now) else times.short(token.expires_ms, now)
    used = "never" if token.used_ms is None else times.short(token.used_ms, now)
    created = times.short(token.created_ms, now)
    return token.name, token.scope, token.owner, created, expires, used, _ceilings(token)


def _ceilings(token: Token) -> str:
    most = token.ceilings
    counts = {"jobs": most.jobs, "cores": most.cores, "streams": most.streams}
    words = [f"{name} {value:,}" for name, value in counts.items() if value]
    if most.memory_bytes:
        words.append(f"memory {size_words(most.memory_bytes)}")
    if most.stored_bytes:
        words.append(f"stored {size_words(most.stored_bytes)}")
    return ", ".join(words) or "-"
