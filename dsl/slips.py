"""Slips that are often made: how what was written becomes what is meant.

A slip is tried on the text of one statement, and counts where the language takes the result.
So a line here can't make a hint that doesn't work, and the next one is one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

#: Characters of a statement that a slip is looked for in.
MAX_STATEMENT = 120

#: Words of other languages and datasheets, and those of this one.
SYNONYMS = {
    "affinity": "cpus",
    "arch": "architecture",
    "author": "maintainer",
    "count": "slots",
    "ctl": "control",
    "ctrl": "control",
    "directory": "path",
    "entries": "slots",
    "exclusive": "dedicated",
    "fn": "subdevice",
    "folder": "path",
    "import": "include",
    "interrupt": "vector",
    "io": "iomem",
    "irq": "vector",
    "minimum": "requires",
    "mmio": "iomem",
    "numa": "cpus",
    "private": "dedicated",
    "shared": "share",
    "ram": "memory",
    "registers": "iomem",
    "softirq": "threaded",
    "size": "slots",
    "special": "vector",
    "vendor": "pci",
    "vf": "subdevice",
}


def _runtime(match: re.Match[str]) -> str:
    """A vector at an index that the driver passes, which has a maximum and is no array."""
    return f"{match[1]}{match[2]}[runtime max {match[3] or 31}]"


def _array(match: re.Match[str]) -> str:
    """An array says how many vectors it has."""
    return f"{match[1]}[{int(match[4]) - int(match[3]) + 1}]{match[2]}[{match[3]}..{match[4]}]"


def _indexes(match: re.Match[str]) -> str:
    """An array says which indexes it has."""
    last = int(match[4]) + int(match[2]) - 1
    return f"{match[1]}[{match[2]}]{match[3]}[{match[4]}..{last}]"


_SLIPS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    # Quotes.
    ("[“”„‟″«»]", '"'),
    ("['‘’]([^'‘’]*)['‘’]", r'"\1"'),
    (r'^include\s*["<]?([^">;]+)[">]?\s*;', r'include "\1";'),
    (r'^(path|maintainer)\s*=?\s*"?([^";]+)"?\s*;', r'\1 "\2";'),
    (r"\\\"", "'"),
    (r'(?<=\w )"([^"]*)"(?= \w+")', r"'\1'"),
    (r'",', '"'),
    (r"^(device \w+) ([A-Z][\w ]*\w)\s*\{", r'\1 "\2" {'),
    (r'"(\w+(?::\w+)?)"', r"\1"),
    (r"^(vector .*\]) (?!hard|threaded|oneshot)([\w ]*\w) ", r'\1 "\2" '),
    # What stands between two things.
    (r"\s*[:=]+\s*", " "),
    (r"\s*[:=]+\s*", " = "),
    (r"\s*[:=]+\s*", ": "),
    (r"\s*[:=]+\s*", " @"),
    (r"\s+(?:at|offset)\s+", " @"),
    (r"@\s*\+?", "@"),
    (r"\s*@", " "),
    (r"^@", "offset "),
    (r"(@\s*\w+)\s+(\d+);", r"\1 width \2;"),
    (r"\[(\d+)\]", r" \1"),
    (r"\((\d+)\)", r" \1"),
    # Indexes and ranges.
    (r"^(vector \w+)(?:\[\d+\])?( = \w+)\[runtime(?: ([1-9]\d*))?\]", _runtime),
    (r"^(vector \w+)\[\d+\]( = \w+\[(?:runtime max \w+|last)\])", r"\1\2"),
    (r"(= \w+(?:\[(?:runtime max \w+|last)\])?(?: .*)?) optional;", r"\1;"),
    (r'^(vector .*) optional( "[^"]*"| hard| threaded| oneshot)+;', r"\1\2 optional;"),
    (r"^(vector \w+)( = \w+)\[(\d{1,4})\.\.(\d{1,4})\]", _array),
    (r"^(vector \w+)\[(\d{1,4})\]( = \w+)\[(\d{1,5})(?:\.\.)?\]", _indexes),
    (r"[({](\d+)[)}]", r"[\1]"),
    (r"\.(\d+)", r"[\1]"),
    (r"(?<=[a-z]) (\d+)", r"[\1]"),
    (r"\[(\d+)\s*(?:[:-]|\.{3,})\s*(\d*)\]", r"[\1..\2]"),
    (r"\[(?:\.\.|:)", "[0.."),
    (r"\.\.[a-z]\w*\]", "..]"),
    (r"\[[*:]?\]", ""),
    (r"\)", "]"),
    (r'\s*,(?=\s*")', ""),
    (r"\s*(?:,|\||&|\++|\band\b|\bor\b)\s*(?=[a-z])", " + "),
    (r"(?<=\])\s+(?=[a-z])", " + "),
    (r"=\s*\[(.*)\]", lambda match: "= " + match[1].replace(",", " +")),
    (r"(?<=\d)\s*-\s*(?=\d)", ".."),
    (r"(?<=\d)\s*-\s*(?=\d)", ":"),
    (r"(?<=\d)\.\.(?=\d)", ":"),
    (r"\[(\d+):(\d+)\]", r"\1:\2"),
    (r"(\w)\[(\d+)\.\.(\d+)\]", r"\1 \2..\3"),
    # Words with a sign in them.
    (r"\bMSI-?X\b", "msix"),
    (r"\bMSI\b", "msi"),
    (r"(?<=\w)-(?=[a-z])|(?<=[a-z])-(?=\w)", "_"),
    (r"(?<=[a-z])-(?=[a-z])", ""),
    (r"(?<=[a-z])[-_](?=[a-z])", " "),
    (r"\bpercpu\b", "per cpu"),
    (r"\bx86-64\b", "x86_64"),
    (r"\bbe\b", "big endian"),
    (r"\ble\b", "little endian"),
    (r"\b(big|little)(?= \{)", r"\1 endian"),
    (r"^([a-z]+)(\d)", r"\1 \2"),
    # Numbers.
    (r"(?<=\d),(?=\d{3}\b)", ""),
    (r"(\d)\.0\b", r"\1"),
    (r"\b(\d{1,6})\s*\*\s*(\d{1,6})\b", lambda match: str(int(match[1]) * int(match[2]))),
    # Words of other places.
    (r"\bbits\b", "bit"),
    (r"\bbit\b", "bits"),
    (r"^mask\s*(?:@|=)?\s*(\d)", r"mask bit \1"),
    (r"^mask bit (\d+):\1", r"mask bit \1"),
    (r"^bits? (\d+) mask", r"mask bit \1"),
    (r"^mask = ", "mask "),
    (r" active high", ""),
    (r"^(\w+ bit \d+) = 1;", r"\1 set;"),
    (r"\b(?:rw1c|w1c)\b", "write one to clear"),
    (r"\b(?:readonly|read-only|ro)\b", "read only"),
    (r"(?<!active) (?:low|inverted|negated)", " active low"),
    (r"\bslots\b", "slot"),
    (r"\bslot\b", "slots"),
    (r"\bvectors\b", "vector"),
    (r"\bvector\b", "vectors"),
    (r"\b(?:size|stride|id|interrupt|is|of|at least) ", ""),
    (r"\bmax\b", "up to"),
    (r"\bup to\b", "max"),
    (r"\bup to (\d+)", r"1..\1"),
    (r"\b(?:up to|max)\b", "runtime max"),
    (r"\bshare up\b", "share per cpu up"),
    (r"^(subdevice \w+)\s*\[?(\d+)\]?", r"\1 max \2"),
    (r"^minimum\b", "requires"),
    (r"^class\b", "pci class"),
    (r"^(store) (msix|msi);", r"\1 table: \2;"),
    (r"^(msix|msi) (\w+);", r"store \2: \1;"),
    (r"(store .*)\s*\{\s*$", r"\1;"),
    # Words in another order.
    (r'\b(threaded|oneshot|hard) ("[^"]*")', r"\2 \1"),
    (r"\b(threaded|hard) oneshot\b", "oneshot"),
    (r"\bvectors (\d+)", r"\1 vectors"),
    (r"\bvectors (\d+\.\.\d+) (\w+)", r"vectors \2 \1"),
    (r"^remapping(?: required)?;", "requires remapping;"),
    (r"^requires remapping optional", "remapping optional"),
    (r"\boptional cookie\b", "cookie optional"),
    (r"(?<!cookie) optional;", " cookie optional;"),
    (r"^cookie (\w+ bits [\d:]+)", r"\1 cookie"),
    (r"(bits \d+:\d+);", r"\1 cookie;"),
    (r"(\w+) enable bit", r"\1_enable bit"),
    (r"(@\s*\w+) (bar \d+)", r"\2 \1"),
    (r" active low;", ";"),
    (r"^(pci \w{4})[ ,/](\w{4})", r"\1:\2"),
    (r"^(pci) ([\w:]+), (?=[\w:]+;)", r"\1 \2; \1 "),
    (r"^(requires) remapping, ", r"\1 remapping; \1 "),
    (r"^(dedicated|reserve \d+|share [\w ]+), ", r"\1; "),
    (r"^(dedicated|managed) \d+", r"\1"),
    (r"^(pool .*\S)\s+(dedicated|managed);", r"\1 { \2; }"),
    (r"^(address_lo|address_hi|data|control)\s*\[[\d:]+\]", r"\1"),
    # What ends a statement.
    (r"\s*[,:.]\s*$", ";"),
    (r"^(store .*\S)\s*$", r"\1 {"),
)
_BLANKS = re.compile(" {2,}")
_COMPILED = tuple((re.compile(pattern), meant) for pattern, meant in _SLIPS)

#: A statement as it is written: up to its `;`, its `{` or the end of its line.
_STATEMENT = re.compile(r'(?:"[^"\n]*"|\{\d+\}|/(?!/)|[^;{}"\n#/])*[;{]?')


def statement(text: str, start: int) -> str:
    """The statement that starts at ``start``, on one line; empty if it is too long."""
    match = _STATEMENT.match(text, start, start + MAX_STATEMENT + 1)
    found = match.group().rstrip() if match else ""
    return found if len(found) <= MAX_STATEMENT else ""


def meant(text: str) -> Iterator[str]:
    """What may be meant by the statement ``text``, the likeliest first."""
    seen = {text}
    for pattern, better in _COMPILED:
        made = _BLANKS.sub(" ", pattern.sub(better, text)).replace(" ;", ";")
        if made not in seen:
            seen.add(made)
            yield made
