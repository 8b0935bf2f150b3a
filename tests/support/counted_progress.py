"""Progress of long work that tests read."""

from __future__ import annotations

from nox_cli.progress import Progress


class CountedProgress(Progress):
    """Notes what is counted, its total and the last count, instead of writing it."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, int, int]] = []
        super().__init__()
        self.noted.clear()

    def begin(self, words: str, total: int = 0) -> None:
        """Note what is counted from now on."""
        self.noted.append((words, total, 0))

    def __call__(self, count: int) -> None:
        """Note a count."""
        words, total, _ = self.noted[-1]
        self.noted[-1] = (words, total, count)

    def clear(self) -> None:
        """Note that the line was removed."""
        if self.noted[-1][0] != "cleared":
            self.noted.append(("cleared", 0, 0))
