"""Files to syntax trees: read, decode, free of what does harm, parse; and what they include."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from . import ast, bounded
from .codes import report
from .diagnostics import MAX_FINDINGS, Diagnostic, Place, nearest, quote
from .parse import parse
from .source import MAX_BYTES, Source, Span

#: Files that one file may include, directly and through others.
MAX_INCLUDED = 64

#: Files that are not there for which a near one is looked for.
MAX_GUESSES = 20

#: Statements, blocks, and items of lists that a file and all that it includes may have.
MAX_PARTS = 20_000
_PART = re.compile(r'[\w"\])>]\s*[;{+,]')

#: Control characters but tab and line ends, a lone carriage return, and bidi controls.
FORBIDDEN = re.compile(
    "(?:[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\r(?!\n))+"
)

#: A path to include: relative, and no way out of a folder.
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*\Z")

_ONE_FILE = "write one `include` for each file in it that is needed"


class Unit:
    """One file: its tree, and the files that it includes."""

    def __init__(self, source: Source, tree: ast.File) -> None:
        self.source = source
        self.tree = tree
        #: What it includes, with the statement; files that could not be read are missing.
        self.includes: list[tuple[ast.IncludeItem, Unit]] = []

    @property
    def layouts(self) -> list[ast.LayoutItem]:
        """The named layouts of this file alone."""
        return [item for item in self.tree.items if isinstance(item, ast.LayoutItem)]

    def all(self) -> Iterator[Unit]:
        """This file and all that it includes, each once, in the order of the statements."""
        seen = {id(self)}
        waiting = [self]
        while waiting:
            unit = waiting.pop()
            yield unit
            for _, inner in reversed(unit.includes):
                if id(inner) not in seen:
                    seen.add(id(inner))
                    waiting.append(inner)


def _nearest_file(path: str) -> str | None:
    """The name of a file beside one that isn't there, which may be the one that is meant."""
    try:
        names = os.listdir(os.path.dirname(path) or ".")
    except OSError:
        return None
    stems = [name.removesuffix(".ims") for name in names if name.endswith(".ims")]
    near = nearest(os.path.basename(path).removesuffix(".ims"), stems)
    return f"{near}.ims" if near else None


class Reader:
    """Reads one file and what it includes; finds what is wrong with files and syntax."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = folders
        self.found: list[Diagnostic] = []
        #: Whether something that may hold layouts could not be read.
        self.lost = False
        self.units: dict[str, Unit] = {}
        self.bytes = MAX_BYTES
        self.parts = MAX_PARTS
        self.guesses = 0
        self.chain: list[tuple[str, ast.IncludeItem]] = []

    def main(self, name: str, text: bytes | None) -> Unit | None:
        """The file that was asked for; ``text`` is what it holds where that is known."""
        unit = self._read(name, text, None)
        if unit is None:
            return None
        self.lost = any(isinstance(item, ast.Broken) for item in unit.tree.items)
        if any(isinstance(item, ast.IncludeItem) for item in unit.tree.items):
            try:
                real = os.path.realpath(name)
            except ValueError:
                real = name  # a text whose name is no path
            self.units[real] = unit
            self._follow(unit, real)
        return unit

    def _read(self, name: str, text: bytes | None, at: ast.IncludeItem | None) -> Unit | None:
        place = at.path.span if at is not None else Span(Source(name, ""), 0, 0)
        if text is None:
            try:
                text = bounded.read(name if at is None else os.path.realpath(name), self.bytes)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                what = "the file" if at is None else quote(name)
                self._report("IMS001", f"can't read {what}: {reason}", place)
                return None
        if len(text) > self.bytes:
            what = "the file has" if at is None else "with this the files have"
            self._report(
                "IMS002",
                f"{what} more than {MAX_BYTES:,} bytes",
                place,
                "a description of interrupts has a few KiB: is this the right file?",
            )
            return None
        try:
            decoded = text.decode("utf-8")
        except UnicodeDecodeError as error:
            start = len(text[: error.start].decode("utf-8"))
            source = Source(name, text.decode("utf-8", errors="replace"))
            self._report(
                "IMS003",
                f"byte 0x{text[error.start]:02x} at offset {error.start} is not UTF-8",
                Span(source, start, start + 1),
                "save the file as UTF-8",
                [Place(at.path.span, "included here")] if at is not None else (),
            )
            return None
        self.bytes -= len(text)
        self.parts -= sum(1 for _ in _PART.finditer(decoded))
        if self.parts < 0:
            what = "the file has" if at is None else "with this the files have"
            self._report(
                "IMS002",
                f"{what} more than {MAX_PARTS:,} statements, blocks and ranges",
                place,
                "a description of interrupts has a few dozen: is this the right file?",
            )
            return None
        source = Source(name, decoded.removeprefix("\ufeff"))
        harmless = FORBIDDEN.sub(lambda match: self._forbidden(source, match), source.text)
        tree, mistakes = parse(source, harmless)
        self.found += mistakes
        return Unit(source, tree)

    def _report(
        self, code: str, message: str, span: Span, hint: str = "", other: Iterable[Place] = ()
    ) -> None:
        self.found.append(report(code, message, span, hint=hint, secondary=other))

    def _forbidden(self, source: Source, match: re.Match[str]) -> str:
        """Report a run of forbidden characters; what is read in its place, as long as it."""
        run = match.group()
        if len(self.found) <= MAX_FINDINGS:  # no more are shown
            self._name_forbidden(source, match)
        before = source.text[max(0, match.start() - 1) : match.start()]
        after = source.text[match.end() : match.end() + 1]
        # A word with such a character in it is still one word.
        return ("_" if before.isalnum() and after.isalnum() else " ") * len(run)

    def _name_forbidden(self, source: Source, match: re.Match[str]) -> None:
        run = match.group()
        names = ", ".join(dict.fromkeys(f"U+{ord(c):04X}" for c in run[:8]))
        self._report(
            "IMS004",
            f"forbidden character {names}",
            Span(source, match.start(), match.end()),
            "remove it",
        )

    # What a file includes.

    def _follow(self, unit: Unit, real: str) -> None:
        for item in unit.tree.items:
            if not isinstance(item, ast.IncludeItem):
                self.lost |= isinstance(item, ast.Broken)
                continue
            inner = self._include(unit, real, item)
            if inner is None:
                self.lost = True
            else:
                unit.includes.append((item, inner))

    def _include(self, unit: Unit, real: str, item: ast.IncludeItem) -> Unit | None:
        text = item.path.value
        if not text:
            self._report("IMS030", "the path is empty", item.path.span, "leave it out")
            return None
        if not _PATH.match(text):
            raw = item.path.span.source.text[item.path.span.start + 1 : item.path.span.end]
            if raw.startswith(text):  # else a forbidden character in it has been reported
                self._report(
                    "IMS036",
                    f"{quote(text)} is not a path below the file's folder",
                    item.path.span,
                    'write it as `include "family.ims";`, relative to this file, '
                    "without `.` or `..`",
                )
            return None
        known = self._find(unit.source.name, text, item)
        if known is None:
            return None
        name, target = known
        for number, (file, _) in enumerate(self.chain):
            if file == target:
                self._cycle(item, text, self.chain[number][1])
                return None
        if target == real:
            self._cycle(item, text, None)
            return None
        if target in self.units:
            return self.units[target]
        if len(self.units) > MAX_INCLUDED:
            self._report(
                "IMS082",
                f"more than {MAX_INCLUDED} files are included",
                item.path.span,
                "a family of devices shares its layouts in one file or two",
            )
            return None
        inner = self._read(name, None, item)
        if inner is None:
            return None
        self.units[target] = inner
        self._strangers(inner, item)
        self.chain.append((real, item))
        self._follow(inner, target)
        self.chain.pop()
        return inner

    def _find(self, including: str, text: str, item: ast.IncludeItem) -> tuple[str, str] | None:
        """The name and the real path of a file to include."""
        outside = False
        for folder in (os.path.dirname(including), *self.folders):
            name = os.path.join(folder, text)
            if not os.path.isfile(name):
                continue
            target, top = os.path.realpath(name), os.path.realpath(folder or ".")
            if os.path.commonpath((target, top)) == top:
                return name, target
            outside = True
        if outside:
            self._report(
                "IMS036",
                f"{quote(text)} leads out of its folder",
                item.path.span,
                "a link must stay in the folder: name the other one with `-I DIR`",
            )
        else:
            folder = os.path.join(os.path.dirname(including), text)
            if os.path.isdir(folder):
                self._report("IMS001", f"{quote(text)} is a folder", item.path.span, _ONE_FILE)
                return None
            where = " and ".join(["beside this file", *(quote(one) for one in self.folders)])
            self.guesses += 1
            near = _nearest_file(folder) if self.guesses <= MAX_GUESSES else None
            self._report(
                "IMS001",
                f"there is no file {quote(text)} to include",
                item.path.span,
                (
                    f"did you mean {quote(os.path.join(os.path.dirname(text), near))}?"
                    if near
                    else f"looked {where}; `-I DIR` names another folder"
                ),
            )
        return None

    def _cycle(self, item: ast.IncludeItem, text: str, first: ast.IncludeItem | None) -> None:
        if first is None:
            self._report(
                "IMS080",
                f"{quote(text)} includes itself",
                item.span,
                "remove this statement",
            )
            return
        self._report(
            "IMS080",
            f"{quote(text)} is included while it includes this file",
            item.span,
            "move what both need into a third file",
            [Place(first.span, "the way here starts with this")],
        )

    def _strangers(self, unit: Unit, item: ast.IncludeItem) -> None:
        """Included files hold layouts: a device there would be made twice, or for nothing."""
        for part in unit.tree.items:
            if isinstance(part, ast.DeviceDecl):
                self._report(
                    "IMS081",
                    f"the device {quote(part.name.text)} stands in an included file",
                    part.head,
                    "give each device a file of its own; included files hold layouts only",
                    [Place(item.span, "included here")],
                )
