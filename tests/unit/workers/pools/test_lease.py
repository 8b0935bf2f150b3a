"""The lease of an autoscaler: one holder at a time, and a dead one is replaced at once."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING, cast
from unittest.mock import Mock

import pytest

from workers.errors import StoreRefused, StoreUnreachable
from workers.pools.lease import held, new_holder
from workers.store.pools import AutoscalerLease

if TYPE_CHECKING:
    from workers.store.pools import PoolStore


class OneLease:
    """Gives one lease at a time, as a store does."""

    def __init__(self, holder: str = "") -> None:
        self.holder, self.fence = holder, 0

    def acquire(self, owner: str, holder: str, *, replaces: str = "") -> AutoscalerLease | str:
        """Take the lease."""
        if self.holder and self.holder not in {holder, replaces}:
            return self.holder
        self.holder, self.fence = holder, self.fence + 1
        return AutoscalerLease(owner, holder, self.fence, 0)

    def release(self, lease: AutoscalerLease) -> None:
        """End it."""
        assert lease.holder == self.holder
        self.holder = ""


def test_lease_of_a_dead_process_is_replaced_at_once() -> None:
    """
    Its holder names a process of this machine that is gone; the lease ends with the block.
    """
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    one = OneLease(f"{socket.gethostname()}-{gone.pid}-aaaaaaaa")

    with held(cast("PoolStore", one), "ada", new_holder()) as lease:
        assert one.holder == lease.holder
    assert not one.holder


def test_lease_that_cannot_be_released_breaks_off_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What was done under it is done: it runs out, or its holder takes it again.  An error remains what it is,
    and a refusal is one.
    """
    one = OneLease()
    monkeypatch.setattr(one, "release", Mock(side_effect=StoreUnreachable("redis at head did not answer")))

    with held(cast("PoolStore", one), "ada", new_holder()):
        holder = one.holder
    with pytest.raises(ZeroDivisionError), held(cast("PoolStore", one), "ada", holder):
        _ = 1 / 0
    monkeypatch.setattr(one, "release", Mock(side_effect=StoreRefused("redis at head refuses")))
    with pytest.raises(StoreRefused), held(cast("PoolStore", one), "ada", holder):
        pass


@pytest.mark.parametrize("holder", ["elsewhere-1-aaaaaaaa", new_holder()], ids=["elsewhere", "living"])
def test_lease_of_a_holder_that_may_live_is_waited_for(holder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One of another machine, or whose process lives, is not replaced: the lease is taken once it is free.
    """
    one, pauses = OneLease(holder), []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        one.holder = ""

    monkeypatch.setattr("workers.pools.lease.time.sleep", wait)
    with held(cast("PoolStore", one), "ada", new_holder()):
        assert len(pauses) == 1


def test_lease_that_cannot_be_replaced_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Another program may have stored a holder whose bytes are no text: it is never the one that is named.
    """
    one = OneLease("x")
    pauses: list[float] = []
    dead = f"{socket.gethostname()}-999999999999-\ufffd"
    monkeypatch.setattr(one, "acquire", lambda *_, **__: AutoscalerLease("ada", "", 1, 0) if pauses else dead)
    monkeypatch.setattr(one, "release", lambda _: None)
    monkeypatch.setattr("workers.pools.lease._WAIT_S", 5)
    monkeypatch.setattr("workers.pools.lease.time.sleep", pauses.append)

    with held(cast("PoolStore", one), "ada", new_holder()):
        assert len(pauses) == 1
