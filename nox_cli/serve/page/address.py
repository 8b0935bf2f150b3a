"""The address of the page: in the log or on the terminal of a server, and for `nox serve link`."""

from __future__ import annotations

import shlex
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from nox_cli.hints import is_here_a_login_node
from nox_cli.tokens.codes import new_code
from nox_cli.tokens.links import PageAddress, noted
from workers.machine import host as machine_name

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from nox_cli.config.server import ServeOptions
    from workers.logs import Log

_SOCKET_URL, _SOCKET_PORT = "http://localhost:8646/", 8646  # once ssh has forwarded this port to a socket


@contextmanager
def announced(
    options: ServeOptions, listener: socket.socket, home: Path, log: Log, *, is_terminal: bool
) -> Iterator[None]:
    """Log where the server listens, how to reach it from elsewhere, and a link to its page; note its address.

    Args:
        options: the options of the command.
        listener: its socket.
        home: the state directory.
        log: receives the lines.
        is_terminal: whether a person reads them.
    """
    address = _address(options, listener)
    if options.unix:
        log.info("listening", socket=options.unix)
    else:
        host, port = listener.getsockname()[:2]
        log.info("listening", url=_url(host, port).rstrip("/"))
        if not ip_address(host.partition("%")[0]).is_loopback:
            log.warning("clients on other machines send tokens in the clear: let a proxy add TLS")
    if address.needs_tunnel:
        log.info("reachable from your machine", by=address.tunnel)
    with ExitStack() as stack:
        try:
            link = address.link(new_code(home))
            stack.enter_context(noted(home, address))
        except OSError as error:
            log.warning("there is no link to the page", error=error)
        else:
            _show(link, log, is_terminal=is_terminal)
        yield


def _show(link: str, log: Log, *, is_terminal: bool) -> None:
    valid = "once, for 10 minutes"
    if is_terminal:
        log.line(f"\n  open {link}\n  valid {valid}; nox serve link prints another\n")
    else:
        log.info("page", link=link, valid=valid)


def _address(options: ServeOptions, listener: socket.socket) -> PageAddress:
    here = machine_name()
    if options.public_url:
        return PageAddress(f"{options.public_url.rstrip('/')}/", here)
    if options.unix:
        path = shlex.quote(str(Path(options.unix).absolute()))
        tunnel = f"ssh -L {_SOCKET_PORT}:{path} {here}"
        return PageAddress(_SOCKET_URL, here, tunnel, needs_tunnel=True)
    host, port = listener.getsockname()[:2]
    found = ip_address(host.partition("%")[0])
    if found.is_loopback:
        tunnel = f"ssh -L {port}:localhost:{port} {here}"
        return PageAddress(_url(host, port), here, tunnel, is_here_a_login_node())
    return PageAddress(_url(here if found.is_unspecified else host, port), here)


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
