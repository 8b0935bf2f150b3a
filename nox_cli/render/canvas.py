"""A canvas of braille dots, two across and four down in each character, or of ASCII."""

from __future__ import annotations

# The bit of each dot of a character, by column and by row from the top (Unicode, chapter 21.1).
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE = 0x2800
_UPPER, _LOWER = 0x1B, 0xE4
_TALL = 3  # dots below each other
DOTS_ACROSS, DOTS_DOWN = 2, 4


class Canvas:
    """Draws dots and lines; the dot (0, 0) is at the bottom left."""

    def __init__(self, columns: int, rows: int, *, is_ascii: bool = False) -> None:
        self.columns, self.rows = columns, rows
        self.width, self.height = columns * DOTS_ACROSS, rows * DOTS_DOWN
        self._cells = [[0] * columns for _ in range(rows)]
        self._is_ascii = is_ascii

    def dot(self, x: int, y: int) -> None:
        """Draw a dot, which must be on the canvas."""
        down = self.height - 1 - y
        self._cells[down // DOTS_DOWN][x // DOTS_ACROSS] |= _BITS[x % DOTS_ACROSS][down % DOTS_DOWN]

    def line(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Join two dots."""
        across, up = end[0] - start[0], end[1] - start[1]
        count = max(abs(across), abs(up), 1)
        for part in range(count + 1):
            self.dot(start[0] + round(across * part / count), start[1] + round(up * part / count))

    def row(self, index: int) -> str:
        """Return a row of characters, counted from the top; a blank where there is no dot."""
        return "".join(map(self._character, self._cells[index]))

    def _character(self, bits: int) -> str:
        if not bits:
            return " "
        if not self._is_ascii:
            return chr(_BRAILLE + bits)
        if bits & _UPPER and bits & _LOWER:
            is_tall = any(sum(bool(bits & bit) for bit in column) >= _TALL for column in _BITS)
            return "|" if is_tall else ":"
        return "'" if bits & _UPPER else "."
