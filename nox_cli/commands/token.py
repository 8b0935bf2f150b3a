"""`nox token new NAME`, `nox token list` and `nox token revoke NAME`: access to the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nox_cli.commandline import groups
from nox_cli.commandline.arguments import Json, takes
from nox_cli.commandline.context import session
from nox_cli.times import seconds_of
from nox_cli.tokens.management import (
    NewToken,
    Revoked,
    TokenOptions,
    Tokens,
    TokenScope,
    create,
    list_tokens,
    revoke,
)
from nox_cli.values import memory_bytes
from workers.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Give programs access to the HTTP API (nox serve), and take it away.",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token.", show_default=False)]
Scope = Annotated[
    TokenScope,
    typer.Option(
        help="Rights: read jobs, also submit and change them, or all that the store has (admin).",
        show_default=False,
    ),
]
OPTIONS: Mapping[str, Any] = {
    "owner": typer.Option(metavar="USER", help="User whose jobs it sees and submits (default: you)."),
    "expires": typer.Option(
        parser=seconds_of, metavar="DURATION", help="End of its validity (default: when it is revoked)."
    ),
    "max_jobs": groups.resources(min=1, help="Unfinished jobs that it may have."),
    "max_cores": groups.resources(min=1, help="Cores that one of its jobs may have."),
    "max_memory": groups.resources(
        parser=memory_bytes, metavar="SIZE", help="Memory that one of its jobs may have."
    ),
    "max_stored": groups.resources(
        parser=memory_bytes, metavar="SIZE", help="Size of the inputs and results of its jobs in the store."
    ),
    "max_streams": groups.resources(min=1, help="Streams that it may have open (default 20)."),
}


@app.command("new")
@takes(TokenOptions, declared=OPTIONS)
def new_command(
    ctx: typer.Context, name: Name, scope: Scope, options: TokenOptions, json: Json = False
) -> NewToken:
    """Make a token and print it, once: the store keeps only its hash."""
    call = session(ctx, json=json)
    store = call.open(open_store)  # no other store in place of one that is unreachable
    return create(store, (name, scope), options, call.settings.owner)


@app.command("list")
def list_command(ctx: typer.Context, json: Json = False) -> Tokens:
    """List the tokens, without their secrets."""
    return list_tokens(session(ctx, json=json).open(open_store))


@app.command("revoke")
def revoke_command(ctx: typer.Context, name: Name, json: Json = False) -> Revoked:
    """Refuse a token from now on, and close its streams within a second."""
    return revoke(session(ctx, json=json).open(open_store), name)
