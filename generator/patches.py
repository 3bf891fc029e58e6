"""Commits to mails that ``git am`` takes: as git format-patch writes them, without git.

``--zero-commit --no-signature``, a fixed author and a fixed date: the same commits give the same
bytes everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .kernel.edits import FileDiff

#: Who a commit is by unless the user says who signs it off.
AUTHOR = "imsgen <imsgen@localhost.invalid>"

#: When all commits were made.
DATE = "Thu, 1 Jan 2026 00:00:00 +0000"

#: Columns of a commit message (process/maintainer-tip.rst) and of a diffstat (git).
BODY_COLUMNS = 75
STAT_COLUMNS = 72

#: Longest name of a patch file (git format-patch: 64 with its NUL).
_NAME_MAX = 63

#: Columns of a header line, before git folds it.
_HEADER_COLUMNS = 78

#: Longest name that git am takes; it would put the mail address in place of a longer one.
_NAME_BYTES = 60

_FROM = "From " + "0" * 40 + " Mon Sep 17 00:00:00 2001\n"
# Compiled when it is first used, which most runs never do.
_IDENT = r"([^<>]*)<([^<>]*)>"
_MAIL = r"[^\s<>@()\[\]\\,;:\"]+@[^\s<>@()\[\]\\,;:\"]+"
#: What git takes from both ends of a name and of a mail address.
_CRUD = " .,:;<>\"\\'"
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')

# What git am (mailsplit and mailinfo) would not take for a part of the message.
_HAZARD = re.compile(r"---|diff -|Index: |>*From .*\d:\d\d")
_IN_BODY_HEADER = re.compile(r"(From|Date|Subject|Content-[\w-]+|In-Reply-To):", re.IGNORECASE)


class PatchError(Exception):
    """A commit can't be sent as a mail."""


@dataclass(frozen=True)
class Commit:
    """One logical change: subject, body (paragraphs of any width), diffs."""

    subject: str
    body: str
    diffs: tuple[FileDiff, ...]


def parse_ident(ident: str) -> str:
    """``Name <mail>`` as git stores it: without signs at the ends, and with single blanks.

    Raises :class:`PatchError`, also for what git am would not give back.
    """
    text = ident.strip(" ")
    found = re.fullmatch(_IDENT, text)
    parts = found.groups() if found else ("", "")
    name, mail = (" ".join(part.strip(_CRUD).split()) for part in parts)
    if not name or not text.isprintable() or not re.fullmatch(_MAIL, mail):
        raise PatchError(f"not of the form 'Name <mail@example.org>': {ident!r}")
    if "@" in name:
        raise PatchError(f"git am takes a name with @ for a mail address: {name!r}")
    if name[0] == "(" or (_is_encoded(name) and re.search(r'["\\()]', name)):
        raise PatchError(f"git am would take brackets or quotes for a comment: {name!r}")
    if len(name.encode()) > _NAME_BYTES:
        raise PatchError(f"git takes a name of at most {_NAME_BYTES} bytes: {name!r}")
    return f"{name} <{mail}>"


def mbox(commits: Sequence[Commit], version: str, signoff: str | None = None) -> str:
    """All commits as one mailbox."""
    return "".join(
        f"{patch(commit, number, len(commits), version, signoff)}\n"
        for number, commit in enumerate(commits, 1)
    )


# The commits that prepare a kernel are the same for every device of a run.
@lru_cache(32)
def patch(commit: Commit, number: int, count: int, version: str, signoff: str | None = None) -> str:
    """One commit as a mail, ``[PATCH number/count]``."""
    check_message(commit)
    body = wrap(commit.body)
    if signoff:
        body += f"\n\nSigned-off-by: {signoff}"
    stat = diffstat(commit.diffs)
    diff = "".join(d.text() for d in commit.diffs)
    return (
        f"{_head(commit.subject, body, number, count, signoff)}\n{body}\n"
        f"---\nimsgen {version}\n\n{stat}\n{diff}"
    )


def cover_letter(
    subject: str, body: str, commits: Sequence[Commit], version: str, signoff: str | None = None
) -> str:
    """The mail that introduces a series: no diff, so ``git am`` must not be given it."""
    total: dict[str, FileDiff] = {}
    for commit in commits:
        for diff in commit.diffs:
            before = total.get(diff.path)
            total[diff.path] = FileDiff(
                diff.path,
                diff.new or (before is not None and before.new),
                diff.added + (before.added if before else 0),
                diff.removed + (before.removed if before else 0),
                "",
                diff.gone,
            )
    author = (signoff or AUTHOR).rsplit(" <", 1)[0]
    log = "".join(f"  {commit.subject}\n" for commit in commits)
    stat = diffstat([total[path] for path in sorted(total, key=str.encode)])
    body = wrap(body)
    return (
        f"{_head(subject, body + log, 0, len(commits), signoff)}\n{body}\n\n"
        f"{author} ({len(commits)}):\n{log}\n---\nimsgen {version}\n\n{stat}"
    )


def is_patch(text: str) -> bool:
    """Whether a file's text is a patch that this tool has made."""
    return text.startswith(_FROM) and re.search(r"\n---\nimsgen \d[\w.+-]*\n\n", text) is not None


def file_name(subject: str, number: int) -> str:
    """The name of a patch file, as git format-patch makes it."""
    text = re.sub(r"[^A-Za-z0-9._]+", "-", subject)
    text = re.sub(r"\.+", ".", text).strip("-").rstrip(".-")
    return f"{number:04d}-{text}"[: _NAME_MAX - len(".patch")].rstrip("-.") + ".patch"


def check_message(commit: Commit) -> None:
    """Raise :class:`PatchError` for a message that git would not give back as it is."""
    if not commit.subject or commit.subject.startswith("[") or "\n" in commit.subject:
        raise PatchError(f"not a subject: {commit.subject!r}")
    lines = wrap(commit.body).split("\n")
    for line in lines:
        if _HAZARD.match(line):
            raise PatchError(f"a mail would be cut at this line of its message: {line!r}")
    if _IN_BODY_HEADER.match(lines[0]):
        raise PatchError(f"git am would take this line for a header: {lines[0]!r}")


def fill(text: str, columns: int, first: str = "", rest: str = "") -> list[str]:
    """The words of ``text`` on lines of at most ``columns``, behind ``first`` and then ``rest``."""
    out = []
    line, empty = first, True
    for word in text.split():
        if not empty and len(line) + 1 + len(word) > columns:
            out.append(line)
            line, empty = rest, True
        line += word if empty else f" {word}"
        empty = False
    return [*out, line]


@lru_cache(64)
def wrap(text: str) -> str:
    """``text`` with its paragraphs filled; items (`` - ``) hang, lines that start with two
    blanks stay as they are."""
    out: list[str] = []
    words: list[str] = []
    first = rest = ""
    for line in [*text.strip("\n").split("\n"), ""]:
        item = line.startswith(" - ")
        plain = line and not line.startswith("  ") and not item
        if not plain and words:
            out += fill(" ".join(words), BODY_COLUMNS, first, rest)
            words = []
        if item:
            first, rest, words = " - ", "   ", [line[3:]]
        elif plain:
            if not words:
                first = rest = ""
            words.append(line)
        else:
            out.append(line)
    return "\n".join(out[:-1])


# --- headers ----------------------------------------------------------------------------------


def _head(subject: str, body: str, number: int, count: int, signoff: str | None) -> str:
    name, mail = (signoff or AUTHOR).rsplit(" ", 1)
    prefix = f"[PATCH {number:0{len(str(count))}d}/{count}] "
    head = f"{_FROM}From: {_phrase(name)} {mail}\nDate: {DATE}\n"
    head += _fold(f"Subject: {prefix}", subject)
    if not (body + subject + name).isascii():
        head += (
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
            "Content-Transfer-Encoding: 8bit\n"
        )
    return head


def _phrase(name: str) -> str:
    if _is_encoded(name):
        return _encoded(name)
    if _SPECIAL.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return name


def _is_encoded(name: str) -> bool:
    return not name.isascii() or "=?" in name


def _encoded(text: str) -> str:
    """RFC 2047 words of at most 75 characters each."""
    words, word = [], ""
    for char in text:
        plain = char.isascii() and char.isalnum()
        code = char if plain else "".join(f"={byte:02X}" for byte in char.encode())
        if len(word) + len(code) > 60:
            words.append(word)
            word = ""
        word += code
    return "\n ".join(f"=?UTF-8?q?{word}?=" for word in [*words, word])


def _fold(start: str, subject: str) -> str:
    """A header line, folded where it gets longer than 78 columns."""
    if not subject.isascii():
        return f"{start}{_encoded(subject)}\n"
    lines, line = [], start.rstrip(" ")
    for word in subject.split(" "):
        if len(line) + 1 + len(word) > _HEADER_COLUMNS:
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\n".join([*lines, line]) + "\n"


# --- diffstat ---------------------------------------------------------------------------------


def diffstat(diffs: Sequence[FileDiff]) -> str:
    """The statistics of a patch as git prints them, summary lines included."""
    most = max((d.added + d.removed for d in diffs), default=0)
    digits = len(str(most))
    name_width = max((len(d.path) for d in diffs), default=0)
    graph = most
    if name_width + digits + 6 + graph > STAT_COLUMNS:
        limit = max(6, STAT_COLUMNS * 3 // 8 - digits - 6)
        graph = min(graph, limit)
        if name_width > STAT_COLUMNS - digits - 6 - graph:
            name_width = STAT_COLUMNS - digits - 6 - graph
        else:
            graph = STAT_COLUMNS - digits - 6 - name_width
    out = []
    for d in diffs:
        plus, minus = _scaled(d.added, d.removed, graph, most)
        bar = "+" * plus + "-" * minus
        line = f" {_short(d.path, name_width):{name_width}} | {d.added + d.removed:{digits}}"
        out.append(f"{line} {bar}" if bar else line)
    added, removed = sum(d.added for d in diffs), sum(d.removed for d in diffs)
    total = f" {len(diffs)} file{'s' * (len(diffs) != 1)} changed"
    if added or not removed:
        total += f", {added} insertion{'s' * (added != 1)}(+)"
    if removed or not added:
        total += f", {removed} deletion{'s' * (removed != 1)}(-)"
    out.append(total)
    out += [
        f" {'create' if d.new else 'delete'} mode 100644 {d.path}" for d in diffs if d.new or d.gone
    ]
    return "\n".join(out) + "\n"


def _short(path: str, columns: int) -> str:
    if len(path) <= columns:
        return path
    end = path[len(path) - (columns - 3) :]
    slash = end.find("/")
    return "..." + (end[slash:] if slash >= 0 else end)


def _scaled(added: int, removed: int, columns: int, most: int) -> tuple[int, int]:
    if columns > most:
        return added, removed

    def scale(count: int) -> int:
        return 1 + count * (columns - 1) // most if count else 0

    total = scale(added + removed)
    if total < 2 and added and removed:
        total = 2
    if added < removed:
        plus = scale(added)
        return plus, total - plus
    minus = scale(removed)
    return total - minus, minus
