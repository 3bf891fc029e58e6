"""Edits of kernel files, and the unified diffs that they are.

A file is a list of lines.  In a *sparse* file, as an embedded kernel profile has it, most lines are
None: not known.  The same edits work on both; touching an unknown line is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress, pairwise
from typing import Protocol

from ..names import makefile_entry, makefile_line

#: A file's lines without their ends; None is a line that the profile doesn't hold.
Lines = list[str | None]

#: Lines of context around a change.
CONTEXT = 3

#: Kconfig symbols that are ours: among these, entries are sorted.
OURS = re.compile(r"IMS_\w+|IRQ_LAYOUT_\w+|\w+_IRQS|\w+_IRQS_KUNIT_TEST")

#: What a Kconfig or Makefile starts with.
_EMPTY = "# SPDX-License-Identifier: GPL-2.0\n"

_KCONFIG_ENTRY = re.compile(
    r"(config|menuconfig|if|endif|menu|endmenu|source|choice|endchoice|comment)\b(?:\s+(\S+))?"
)
_MAKEFILE_LINE = re.compile(r"obj-\$\(CONFIG_(\w+)\)\s*\+=")
_PATTERN = re.compile(r"([A-Z]):\s")

#: Order of the types in a MAINTAINERS section (scripts/parse-maintainers.pl).
_TYPES = "MRLSWQBCPTFXNK"


class EditError(Exception):
    """An edit doesn't fit the file that it is made for."""


class Provider(Protocol):
    """Where the files of a kernel come from."""

    def lines(self, path: str) -> Lines | None:
        """The file's lines, None if there is no such file.  Raises :class:`EditError`."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""


@dataclass(frozen=True)
class FileDiff:
    """What one commit does to one file."""

    path: str
    new: bool
    added: int
    removed: int
    hunks: str
    #: Whether the file goes away.
    gone: bool = False

    def text(self) -> str:
        """The diff as git writes it, without an index line."""
        head = f"diff --git a/{self.path} b/{self.path}\n"
        if self.new or self.gone:
            head += f"{'new' if self.new else 'deleted'} file mode 100644\n"
        old = "/dev/null" if self.new else f"a/{self.path}"
        new = "/dev/null" if self.gone else f"b/{self.path}"
        return f"{head}--- {old}\n+++ {new}\n{self.hunks}"


@dataclass
class _Change:
    """Lines which the commit at work has put in the place of others; numbers count from 0."""

    #: First line, and how many, as the file is now.
    at: int
    count: int
    #: First line as the file was at the last commit, and the lines that are gone.
    old: int
    gone: Lines


@dataclass
class _File:
    """A file being edited: its lines, and what is not as it was at the last commit."""

    path: str
    now: Lines
    new: bool = False
    gone: bool = False
    #: Ordered, and with a line between any two of them.
    changes: list[_Change] = field(default_factory=list)
    #: With a trace, the lines as of the last commit that an edit has looked at.
    used: set[int] | None = None
    #: Lines of the section titles, if it is MAINTAINERS and they were looked for.
    titles: list[int] | None = None

    def splice(self, at: int, count: int, lines: Sequence[str]) -> None:
        """Put ``lines`` where ``count`` lines from ``at`` are, keeping what is the same."""
        self.titles = None
        if not count:
            self._put(at, 0, lines)
            return
        from difflib import SequenceMatcher

        old = self.now[at : at + count]
        matcher = SequenceMatcher(None, old, list(lines), autojunk=False)
        for tag, a, a_end, b, b_end in reversed(matcher.get_opcodes()):
            if tag != "equal":
                self._put(at + a, a_end - a, lines[b:b_end])

    def look(self, start: int, end: int) -> None:
        """Note that the lines from ``start`` to ``end`` (excluded) were looked at."""
        if self.used is None:
            return
        at, old = 0, 0
        for change in [*self.changes, _Change(len(self.now), 0, 0, [])]:
            kept = range(max(at, start), min(change.at, end))
            self.used.update(line - at + old for line in kept)
            at, old = change.at + change.count, change.old + len(change.gone)

    def settle(self) -> None:
        """Take the file as it is for what was there before."""
        self.new = False
        self.changes = []
        if self.used is not None:
            self.used = set()

    def _put(self, at: int, count: int, lines: Sequence[str]) -> None:
        """Replace lines, and make one change of it and of those that it overlaps or touches."""
        end, grown = at + count, len(lines) - count
        before = [c for c in self.changes if c.at + c.count < at]
        touched = [c for c in self.changes if c.at + c.count >= at and c.at <= end]
        after = [c for c in self.changes if c.at > end]
        first = min([at, *(c.at for c in touched)])
        last = max([end, *(c.at + c.count for c in touched)])
        gone: Lines = []
        place = first
        for change in touched:
            gone += self.now[place : change.at] + change.gone
            place = change.at + change.count
        gone += self.now[place:last]
        old = first - sum(c.count - len(c.gone) for c in before)
        self.now[at:end] = lines
        merged = _Change(first, last - first + grown, old, gone)
        for change in after:
            change.at += grown
        self.changes = [*before, *([merged] if merged.count or gone else []), *after]


class Workspace:
    """The files of a kernel with the edits made so far, commit by commit.

    It is a :class:`Provider` itself, of the files as they are now.
    """

    def __init__(self, provider: Provider, trace: bool = False) -> None:
        """``trace``: note in :attr:`needed` what is needed of the provider's files."""
        self._provider = provider
        self._trace = trace
        self._files: dict[str, _File] = {}
        self._dirty: set[str] = set()
        # By path, the line of the provider's file that each line was at the last commit, or -1.
        self._origins: dict[str, list[int]] = {}
        #: With ``trace``, by path: the lines (from 0) of the provider's file that edits and
        #: diffs needed.
        self.needed: dict[str, set[int]] = {}

    # --- what a provider has --------------------------------------------------------------------

    def lines(self, path: str) -> Lines | None:
        """The file's lines as they are now."""
        file = self._files.get(path)
        return self._provider.lines(path) if file is None else list(file.now)

    def exists(self, path: str) -> bool:
        """Whether the file is there, the edits so far included."""
        return path in self._files or self._provider.exists(path)

    def copy(self, path: str) -> _File:
        """The file as it is now, for edits in another workspace.  Raises :class:`EditError`."""
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = self._load(path)
        titles = _titles_of(file) if path == "MAINTAINERS" else None
        return _File(path, list(file.now), titles=titles)

    # --- edits --------------------------------------------------------------------------------

    def create(self, path: str, text: str) -> None:
        """Make a new file.  Raises :class:`EditError` if it is there already."""
        if path in self._files or self._provider.exists(path):
            raise EditError(f"{path} exists already")
        now: Lines = list(text.removesuffix("\n").split("\n"))
        self._files[path] = _File(path, now, new=True)
        self._dirty.add(path)

    def rewrite(self, path: str, lines: Lines | None) -> None:
        """Make a file hold ``lines``, all of them known, or with None make it go away.

        It may not be there yet.  Raises :class:`EditError` if it can't be read.
        """
        if not self.exists(path):
            if lines is not None:
                self.create(path, "\n".join(map(str, lines)))
            return
        file = self._open(path)
        old, new = file.now, lines or []
        same = 0
        while same < min(len(old), len(new)) and old[same] == new[same]:
            same += 1
        end = 0
        while end < min(len(old), len(new)) - same and old[-1 - end] == new[-1 - end]:
            end += 1
        file.splice(same, len(old) - same - end, list(map(str, new[same : len(new) - end])))
        file.gone = lines is None

    def edit(self, path: str, mode: str, anchor: Sequence[str], insert: Sequence[str]) -> None:
        """Put ``insert`` before, after or in place of the only occurrence of ``anchor``.

        ``mode`` is "before", "after" or "replace".  Raises :class:`EditError` when the anchor
        isn't there exactly once.
        """
        file = self._open(path)
        places = _occurrences(file.now, anchor)
        if len(places) != 1:
            found = f"{len(places)} times" if places else "not"
            raise EditError(f"{path}: found {found}, not once: {anchor[0].strip()!r}")
        at, count = places[0], len(anchor)
        file.look(at, at + count)
        if mode == "replace":
            file.splice(at, count, insert)
        else:
            file.splice(at + count if mode == "after" else at, 0, insert)

    def kconfig(self, path: str, text: str) -> None:
        """Put a ``config`` entry before the last ``endmenu``, sorted among ours."""
        block = text.strip("\n").split("\n")
        symbol = block[0].split()[1]
        file = self._open(path)
        end = _text_end(file.now)
        menu = end > 0 and file.now[end - 1] == "endmenu"
        at = top = end - 1 if menu else end
        for i in range(top - 1, -1, -1):
            line = file.now[i]
            entry = _KCONFIG_ENTRY.match(line) if line is not None else None
            if line is not None and not entry:
                continue
            if not entry or entry[1] != "config" or not OURS.fullmatch(entry[2] or ""):
                file.look(i, end)
                break
            if entry[2] == symbol:
                raise EditError(f"{path} has a config {symbol} already")
            if entry[2] > symbol:
                at = i
        file.splice(at, 0, [*block, ""] if menu or at < top else ["", *block])

    def folder(self, path: str) -> None:
        """Give a folder Kconfig and Makefile where it lacks them, and have its parent's read them.

        Raises :class:`EditError` if the parent has none itself.
        """
        parent, _, name = path.rpartition("/")
        if not self.exists(f"{path}/Kconfig"):
            self._end_menu(f"{parent}/Kconfig", f'source "{path}/Kconfig"')
            self.create(f"{path}/Kconfig", _EMPTY)
        if not self.exists(f"{path}/Makefile"):
            file = self._open(f"{parent}/Makefile")
            file.look(len(file.now) - 1, len(file.now))
            file.splice(len(file.now), 0, [makefile_entry("obj-y", f"{name}/")])
            self.create(f"{path}/Makefile", _EMPTY)

    def makefile(self, path: str, symbol: str, target: str) -> None:
        """Add the line that builds ``target``, at the end and sorted among ours."""
        file = self._open(path)
        end = at = len(file.now)
        for i in range(end - 1, -1, -1):
            line = _MAKEFILE_LINE.match(file.now[i] or "")
            if not line or not OURS.fullmatch(line[1]):
                file.look(i, end)
                break
            if line[1] == symbol:
                raise EditError(f"{path} builds {symbol} already")
            if line[1] > symbol:
                at = i
        file.splice(at, 0, [makefile_line(symbol, target)])

    def maintainers(self, title: str, entries: Iterable[str]) -> None:
        """Make the section ``title`` of MAINTAINERS, or add to it what it lacks.

        Sections are sorted by title, entries as scripts/parse-maintainers.pl sorts them.
        """
        file = self._open("MAINTAINERS")
        titles = _titles_of(file)
        lines = sorted(entries, key=_entry_key)
        for at in titles:
            if file.now[at] == title:
                count = self._extend(file, at + 1, lines)
                kept, moved = at + 1, []
                break
        else:
            at = kept = self._section_place(file, titles, title)
            file.splice(at, 0, [title, *lines, ""])
            count, moved = len(lines) + 2, [at]
        # Looking for all of them again would take longer than the rest.
        low = [line for line in titles if line < kept]
        file.titles = [*low, *moved, *(line + count for line in titles[len(low) :])]

    # --- commits ------------------------------------------------------------------------------

    def commit(self) -> tuple[FileDiff, ...]:
        """The diffs of all edits since the last commit, ordered by path as git orders them.

        Raises :class:`EditError` when a line of context isn't known.
        """
        out = [self._diff(self._files[path]) for path in sorted(self._dirty, key=str.encode)]
        for path in self._dirty:
            self._files[path].settle()
        self._dirty.clear()
        return tuple(diff for diff in out if diff.new or diff.hunks)

    # --- inside -------------------------------------------------------------------------------

    def _end_menu(self, path: str, line: str) -> None:
        """Put a line behind all others, but before the last ``endmenu``."""
        file = self._open(path)
        end = _text_end(file.now)
        if end and file.now[end - 1] == "endmenu":
            end = _text_end(file.now[: end - 1])
        file.look(end - 1, end + 1)
        alike = end and (file.now[end - 1] or "").startswith("source ")
        file.splice(end, 0, [line] if alike else ["", line])

    def _open(self, path: str) -> _File:
        self._dirty.add(path)
        file = self._files.get(path)
        if file is None:
            file = self._load(path)
            self._files[path] = file
            if self._trace:
                file.used = set()
                self._origins[path] = list(range(len(file.now)))
                self.needed[path] = set()
        return file

    def _load(self, path: str) -> _File:
        """A file of the provider, which is a workspace's business to keep if it is one."""
        if isinstance(self._provider, Workspace):
            return self._provider.copy(path)
        lines = self._provider.lines(path)
        if lines is None:
            raise EditError(f"{path} is not there")
        return _File(path, list(lines))

    def _extend(self, file: _File, at: int, entries: Iterable[str]) -> int:
        """Add what the section lacks of sorted entries.  Gives the number of lines added."""
        end = at
        while end < len(file.now) and file.now[end]:
            end += 1
        file.look(at - 1, end + 1)
        known = set(file.now[at:end])
        place, added = at, 0
        waiting: list[str] = []  # what goes before the line at ``place``
        for entry in entries:
            if entry in known:
                continue
            known.add(entry)
            key = _entry_key(entry)
            if place < end and _entry_key(file.now[place] or "") <= key:
                file.splice(place, 0, waiting)
                added += len(waiting)
                place, end, waiting = place + len(waiting), end + len(waiting), []
                while place < end and _entry_key(file.now[place] or "") <= key:
                    place += 1
            waiting.append(entry)
        file.splice(place, 0, waiting)
        return added + len(waiting)

    def _section_place(self, file: _File, titles: list[int], title: str) -> int:
        """The line before which the section goes; the file may be badly sorted elsewhere."""
        key = _title_key(title)
        best, closest = -1, -1
        for before, after in pairwise(titles):
            low, high = file.now[before] or "", file.now[after] or ""
            if not _title_key(low) <= key < _title_key(high):
                continue
            if None in file.now[before:after]:
                continue
            near = _common(low, title) + _common(high, title)
            if near > closest:
                best, closest = after, near
                look = (before, after + CONTEXT)
        if best < 0:
            raise EditError(f"{file.path}: no place between two sections for {title!r}")
        file.look(*look)
        return best

    def _diff(self, file: _File) -> FileDiff:
        if file.new:
            hunk = _range(0, 0, 1, len(file.now)) + "+{}\n".format("\n+".join(map(str, file.now)))
            return FileDiff(file.path, True, len(file.now), 0, hunk)
        hunks = []
        group: list[_Change] = []
        for change in file.changes:
            if group and change.at - (group[-1].at + group[-1].count) > 2 * CONTEXT:
                hunks.append(self._hunk(file, group))
                group = []
            group.append(change)
        if group:
            hunks.append(self._hunk(file, group))
        self._note(file)
        return FileDiff(
            file.path,
            False,
            sum([change.count for change in file.changes]),
            sum([len(change.gone) for change in file.changes]),
            "".join(hunks),
            file.gone,
        )

    def _hunk(self, file: _File, group: list[_Change]) -> str:
        start = max(0, group[0].at - CONTEXT)
        end = min(len(file.now), group[-1].at + group[-1].count + CONTEXT)
        first = group[0].old - (group[0].at - start)
        out = []
        at, old = start, first
        for change in group:
            out += _known(file, " ", file.now[at : change.at], old)
            out += _known(file, "-", change.gone, change.old)
            at, old = change.at + change.count, change.old + len(change.gone)
            out += [f"+{line}\n" for line in file.now[change.at : at]]
        out += _known(file, " ", file.now[at:end], old)
        last = old + end - at
        if file.used is not None:
            file.used.update(range(first, last))
        new = 0 if file.gone else start + 1
        return _range(first + 1, last - first, new, end - start) + "".join(out)

    def _note(self, file: _File) -> None:
        """Trace what was needed back to the provider's file, through all commits so far."""
        if file.used is None:
            return
        origin = self._origins[file.path]
        self.needed[file.path].update(origin[i] for i in file.used if origin[i] >= 0)
        for change in reversed(file.changes):
            origin[change.old : change.old + len(change.gone)] = [-1] * change.count


def _known(file: _File, sign: str, lines: Lines, old: int) -> list[str]:
    """Lines of a diff; the first one is number ``old`` (from 0) of the file before."""
    if None in lines:
        number = old + lines.index(None) + 1
        raise EditError(f"{file.path}: the kernel profile lacks line {number}")
    return [f"{sign}{line}\n" for line in lines]


def _range(old: int, old_count: int, new: int, new_count: int) -> str:
    def part(start: int, count: int) -> str:
        return f"{start}" if count == 1 else f"{start},{count}"

    return f"@@ -{part(old, old_count)} +{part(new, new_count)} @@\n"


def _occurrences(lines: Lines, anchor: Sequence[str]) -> list[int]:
    out: list[int] = []
    count = len(anchor)
    wanted = list(anchor)
    at = -1
    while True:
        try:
            at = lines.index(wanted[0], at + 1)
        except ValueError:
            return out
        if lines[at : at + count] == wanted:
            out.append(at)


def _text_end(lines: Lines) -> int:
    """The number of lines without empty ones at the end."""
    end = len(lines)
    while end and lines[end - 1] == "":
        end -= 1
    return end


def _titles_of(file: _File) -> list[int]:
    if file.titles is None:
        file.titles = _titles(file.now)
    return file.titles


def _titles(lines: Lines) -> list[int]:
    """Lines of the section titles: the line before the first entry of a block of entries."""
    out: list[int] = []
    # A line with a text, of which a sparse file has few.
    for i in compress(range(len(lines)), lines):
        line, previous = lines[i] or "", lines[i - 1] if i else ""
        if previous and _PATTERN.match(line) and not _PATTERN.match(previous):
            before = lines[i - 2] if i >= 2 else ""
            if not before:
                out.append(i - 1)
    return out


def _title_key(title: str) -> str:
    return title.upper().replace("THE REST", "ZZZZZZ")


def _entry_key(entry: str) -> tuple[int, str]:
    kind = entry[:1]
    order = _TYPES.find(kind)
    return (order if order >= 0 else len(_TYPES), entry if kind in "FX" else "")


def _common(a: str, b: str) -> int:
    count = 0
    for x, y in zip(a, b):
        if x != y:
            break
        count += 1
    return count
