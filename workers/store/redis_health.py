"""What a Redis says of itself, as far as it may be asked."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from workers.errors import StoreRefused
from workers.store.redis_faults import server_name
from workers.store.redis_records import in_groups
from workers.store.values import StoreHealth

if TYPE_CHECKING:
    from workers.store.redis_link import Link

MEMORY_ONLY = "this redis keeps jobs in memory only"
_FSYNC = {
    "always": "everything that was answered: each write reaches the disk first",
    "everysec": "everything but the last second: writes reach the disk once a second",
    "no": "what the system has written by then: writes reach the disk when the system likes",
}


def read_info(link: Link, section: str) -> dict[str, str]:
    """Ask a server about itself; nothing if this user may not ask."""
    with suppress(StoreRefused):
        text: str = link.execute("INFO", section).decode(errors="replace")
        lines = (line.partition(":") for line in text.splitlines() if line[:1] not in ("", "#"))
        return {name: value for name, _, value in lines}
    return {}


def _read_config(link: Link, *names: str) -> dict[str, str]:
    with suppress(StoreRefused):
        flat = link.execute("CONFIG", "GET", *names)
        return {name.decode(): value.decode(errors="replace") for name, value in in_groups(flat, 2)}
    return {}


def health(link: Link) -> StoreHealth:
    """Say what the server is and what it promises."""
    server = read_info(link, "server")
    kept = read_info(link, "persistence")
    config = _read_config(link, "appendfsync", "save", "maxmemory-policy")
    policy = config.get("maxmemory-policy") or read_info(link, "memory").get("maxmemory_policy", "")
    durable = _durable(kept, config)
    name, version = server_name(server)
    warnings = []
    if durable == MEMORY_ONLY:
        warnings.append(MEMORY_ONLY)
    if policy not in ("", "noeviction"):
        warnings.append(f"maxmemory-policy {policy} would lose jobs; set noeviction")
    return StoreHealth("redis", link.address.where, f"{name} {version}".strip(), durable, tuple(warnings))


def _durable(kept: dict[str, str], config: dict[str, str]) -> str:
    """What survives a power cut."""
    if not kept:
        return "not known: this user may not ask"
    if kept.get("aof_enabled") == "1":
        return _FSYNC.get(
            config.get("appendfsync", ""), "everything but the last moments: an append-only file is kept"
        )
    if config.get("save", "unknown") == "":
        return MEMORY_ONLY
    return "what the last snapshot holds: later changes are lost"
