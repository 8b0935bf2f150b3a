"""The limits of the job that runs in an engine process."""

from __future__ import annotations

from contextvars import ContextVar

OMP_STACK_BYTES = 64 * 1024**2
# The memory limit of the job that runs; 0: none.
MEMORY_BYTES: ContextVar[int] = ContextVar("memory_bytes", default=0)
