"""Which line of a layout a message about generated code comes from.

A message names a line of a generated file (a compiler, sparse, checkpatch), or something that is
made for the device (a linker, KUnit, a splat).  What is made has the names of the layout in it, so
the name is looked for in the identifiers: first of that line of C, then of the function around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imsgen.dsl.model import Device
from imsgen.dsl.source import Span

from .series import members_of, place_of

_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Lead:
    """A line of the log, counted from 1, and what of the layout it is about."""

    number: int
    text: str
    name: str
    span: Span


def leads(device: Device, files: Mapping[str, str], log: str) -> Iterator[Lead]:
    """The lines of LOG that are about generated code; FILES are its texts by path."""
    names = _Names(device)
    lines = {path: text.split("\n") for path, text in files.items()}
    places = re.compile(rf"({'|'.join(map(re.escape, sorted(files)))}):(\d+)\b")
    for number, text in enumerate(log.split("\n"), 1):
        place = places.search(text)
        found = names.at(lines[place[1]], int(place[2])) if place else None
        words = _WORD.findall(text)
        found = found or names.best(words, bare=device.name in words)
        if found:
            yield Lead(number, text.strip(), *found)


class _Names:
    """The names of a device by what identifiers hold of them."""

    def __init__(self, device: Device) -> None:
        self._prefix = device.name.split("_")
        self._device = (device.name, place_of(device, device.name))
        # What is more special comes later: a cookie's function has its store's name, too.
        self._names = [(name.split("_"), (name, span)) for name, span in members_of(device)]
        self._registers = dict(_registers(device))

    def at(self, lines: Sequence[str], number: int) -> tuple[str, Span] | None:
        """What line NUMBER of a file is about, or the function or structure that it is in."""
        if not 0 < number <= len(lines):
            return None
        words = _WORD.findall(lines[number - 1])
        for word in words:
            if word in self._registers:
                return word, self._registers[word]
        head = next(
            (line for line in reversed(lines[: number - 1]) if re.match(r"[A-Za-z]", line)), ""
        )
        inner = self.best(words, bare=True)
        outer = self.best(_WORD.findall(head))
        return inner if inner and inner != self._device else outer or inner

    def best(self, words: Sequence[str], *, bare: bool = False) -> tuple[str, Span] | None:
        """The name that most of an identifier is made of; BARE: also where it is all of it."""
        found: tuple[str, Span] | None = None
        for word in words:
            parts = word.lower().strip("_").split("_")
            if bare and (alone := [it for name, it in self._names if name == parts]):
                return alone[-1]
            if not self._mine(parts):
                continue
            inside = [it for name, it in self._names if _holds(parts, name)]
            if inside:
                return inside[-1]
            found = found or self._device
        return found

    def _mine(self, parts: Sequence[str]) -> bool:
        """Whether an identifier begins with the device's name, maybe behind devm_."""
        if parts[0] == "devm":
            parts = parts[1:]
        return list(parts[: len(self._prefix)]) == self._prefix


def _holds(parts: Sequence[str], name: Sequence[str]) -> bool:
    return any(list(parts[i : i + len(name)]) == list(name) for i in range(1, len(parts)))


def _registers(device: Device) -> Iterator[tuple[str, Span]]:
    """The registers of slots, which are members of a structure."""
    for store in device.slot_stores:
        layout = store.layout
        for register in (layout.address_lo, layout.address_hi, layout.data):
            if register:
                yield register.name, register.span
        if layout.control:
            yield "control", layout.control.span
