"""Source texts and places in them: the only code that turns offsets into lines and columns."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

#: Bytes that a file and all that it includes may have.
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Span:
    """Characters ``start`` (included) to ``end`` (excluded) of one source text."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """Line of the first character, counted from 1."""
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        """Column of the first character, counted from 1 in characters."""
        return self.source.position(self.start)[1]

    def as_list(self) -> list[int]:
        """``[line, column, end line, end column]``, the JSON form."""
        return [*self.source.position(self.start), *self.source.position(self.end)]


@dataclass(frozen=True, eq=False)
class Source:
    """One file's text with the name it is reported under."""

    name: str
    text: str = field(repr=False)
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        object.__setattr__(self, "_starts", starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of a line (counted from 1) without its line end."""
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")
