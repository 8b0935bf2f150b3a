"""The state of a Redis server, as far as this user may query it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from workers.errors import StoreRefused
from workers.store.redis.errors import server_name
from workers.store.redis.records import in_groups
from workers.store.values import StoreHealth

if TYPE_CHECKING:
    from workers.store.redis.address import RedisAddress
    from workers.store.redis.connection import RedisClient

OPEN_TO_ALL = "this redis asks for no password: whoever reaches it can read and change jobs"
OPEN_ON_HOST = "this redis asks for no password: anyone on this host can read and change jobs"
MEMORY_ONLY = "this redis keeps jobs in memory only"
_FSYNC = {
    "always": "everything that was answered: each write reaches the disk first",
    "everysec": "everything but the last second: writes reach the disk once a second",
    "no": "what the system has written by then: writes reach the disk when the system likes",
}


def read_info(client: RedisClient, section: str) -> dict[str, str]:
    """Read a section of INFO by name; empty: this user may not read it."""
    with suppress(StoreRefused):
        text: str = client.execute("INFO", section).decode(errors="replace")
        lines = (line.partition(":") for line in text.splitlines() if line[:1] not in ("", "#"))
        return {name: value for name, _, value in lines}
    return {}


def read_config(client: RedisClient, *names: str) -> dict[str, str]:
    """Read settings of a server by name; empty: this user may not read them."""
    with suppress(StoreRefused):
        flat = client.execute("CONFIG", "GET", *names)
        return {name.decode(): value.decode(errors="replace") for name, value in in_groups(flat, 2)}
    return {}


def health(client: RedisClient) -> StoreHealth:
    """Describe the server and its promises."""
    server = read_info(client, "server")
    kept = read_info(client, "persistence")
    config = read_config(client, "appendfsync", "save", "maxmemory-policy")
    policy = config.get("maxmemory-policy") or read_info(client, "memory").get("maxmemory_policy", "")
    survives = durable(kept, config)
    name, version = server_name(server)
    warnings = []
    if survives == MEMORY_ONLY:
        warnings.append(MEMORY_ONLY)
    evicts = policy if policy != "noeviction" else ""
    if evicts:
        warnings.append(f"maxmemory-policy {evicts} would lose jobs; set noeviction")
    risks = tuple(warnings)
    exposed = exposure(client.address)
    if exposed == OPEN_TO_ALL:
        warnings.append(exposed)
    return StoreHealth(
        kind="redis",
        where=client.address.where,
        version=f"{name} {version}".strip(),
        durable=survives,
        warnings=tuple(warnings),
        evicts=evicts,
        risks=risks,
        exposed=exposed,
    )


def exposure(address: RedisAddress) -> str:
    """Describe who may read and change jobs in a server without a password."""
    if address.scheme == "unix" or address.password:
        return ""
    return OPEN_ON_HOST if address.is_loopback else OPEN_TO_ALL


def durable(kept: dict[str, str], config: dict[str, str]) -> str:
    """Describe what survives a power cut."""
    if not kept:
        return "not known: this user may not ask"
    if kept.get("aof_enabled") == "1":
        return _FSYNC.get(
            config.get("appendfsync", ""), "everything but the last moments: an append-only file is kept"
        )
    if config.get("save", "unknown") == "":
        return MEMORY_ONLY
    return "what the last snapshot holds: later changes are lost"
