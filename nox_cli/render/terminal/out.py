"""The output streams of a command: safe lines, with colours where they are wanted."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, TextIO

from nox_cli.text import safe, safe_lines
from workers.errors import OutputLost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nox_cli.session import Streams

WIDTH_IN_PIPES = 80


class Painted(NamedTuple):
    """A piece of a line in a style of its own, as rich names them: bold, dim, red, ..."""

    text: str
    style: str


class Out:
    """Stdout for data, stderr for notes, stdin for keys; the properties describe stdout."""

    def __init__(self, streams: Streams, *, color: bool = False, can_redraw: bool = False) -> None:
        self.stream: TextIO = streams.stdout
        self.notes: TextIO = streams.stderr
        self.typed: TextIO = streams.stdin
        self.is_terminal = streams.stdout.isatty()
        self.can_redraw = self.is_terminal and can_redraw
        self.color = color

    @property
    def width(self) -> int:
        """Columns of the terminal; the same number always in a pipe."""
        if not self.is_terminal:
            return WIDTH_IN_PIPES
        import shutil

        return shutil.get_terminal_size().columns

    @property
    def height(self) -> int | None:
        """Lines of the terminal; None: a pipe, which holds any number."""
        if not self.is_terminal:
            return None
        import shutil

        return shutil.get_terminal_size().lines

    def line(self, *pieces: str | Painted) -> None:
        """Write one line, made of pieces; line ends inside a piece are shown as escapes."""
        self.write(self.shown(*pieces) + "\n", raw=True)

    def lines(self, texts: Iterable[str]) -> None:
        """Write lines, each of one piece."""
        for text in texts:
            self.line(text)

    def shown(self, *pieces: str | Painted) -> str:
        """Make one line of pieces, safe and painted, without writing it."""
        return "".join(map(self._show, pieces))

    def write(self, text: str, *, raw: bool = False) -> None:
        """Write text of several lines; `raw` only where each piece of it is known to be safe.

        Raises:
            OutputLost: there is no room for it where stdout leads.
        """
        with translated_errors():
            self.stream.write(text if raw else safe_lines(text))

    def note(self, text: str) -> None:
        """Write one line to stderr."""
        with suppress(OSError):
            self.notes.write(safe(text) + "\n")
            self.notes.flush()

    def ring(self) -> None:
        """Ring the bell of the terminal, if there is one."""
        stream = self.notes if self.notes.isatty() else self.stream
        if stream.isatty():
            with suppress(OSError):
                stream.write("\a")
                stream.flush()

    def flush(self) -> None:
        """Flush what was written so far."""
        with translated_errors():
            self.stream.flush()

    def _show(self, piece: str | Painted) -> str:
        if isinstance(piece, str):
            return safe(piece)
        return _painted(safe(piece.text), piece.style) if self.color else safe(piece.text)


def _painted(text: str, style: str) -> str:
    """Put a text between the codes of its style; the plainest, that every terminal knows."""
    from rich.color import ColorSystem
    from rich.style import Style

    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Translate errors of a write; a closed pipe is left to the error boundary."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputLost(f"the output cannot be written: {reason}") from error
