"""``imsgen diff``: what a change of a layout means, and for whom."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from imsgen.dsl.compare import RULES, Change, Severity, compare, worst
from imsgen.dsl.diagnostics import printable
from imsgen.dsl.source import Span

from ..terminal import OK, add_folders
from .common import load_good, new_parser, put, put_json

#: Version of the JSON form.  Raised whenever a key changes its meaning or goes away.
JSON_VERSION = 1

#: Exit codes; 1 and 2 are errors of the layouts and of usage, as everywhere.
CODES = {None: OK, Severity.TEXT: OK, Severity.COMPATIBLE: 3, Severity.BREAKING: 4}

_LEVELS = {Severity.TEXT: "note", Severity.COMPATIBLE: "warning", Severity.BREAKING: "error"}


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "diff",
        "Say what changes from one layout to another: for drivers, the hardware, and users. "
        "Exit code 0: nothing but texts; 3: all stay fine with it; 4: it breaks something.",
    )
    made.add_argument("old", metavar="OLD", help="the layout before; '-': standard input")
    made.add_argument("new", metavar="NEW", help="the layout after; '-': standard input")
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the changes as JSON")
    form.add_argument("--sarif", action="store_true", help="print them as SARIF 2.1.0")
    add_folders(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Print the changes."""
    old, new = load_good([args.old, args.new], args.folders or ())
    changes = compare(old.devices, new.devices)
    if args.json:
        put_json(_json(changes))
    elif args.sarif:
        put_json(_sarif(changes))
    else:
        put(text_of(changes))
    return CODES[worst(changes)]


def text_of(changes: Sequence[Change]) -> str:
    """All changes as text, the worst first within each device."""
    order = list(Severity)
    out = []
    for device in dict.fromkeys(item.device for item in changes):
        out.append(f"device {device}\n")
        mine = [item for item in changes if item.device == device]
        for item in sorted(mine, key=lambda item: -order.index(item.severity)):
            out.append(f"  {item.severity.value:10}  {item.area.value:8}  {item.message}\n")
            out.append(f"{'':24}{' -> '.join(_places(item))}\n")
        out.append("\n")
    counts = [
        f"{count} {severity.value}"
        for severity in reversed(order)
        if (count := sum(item.severity is severity for item in changes))
    ]
    return "".join(out) + (f"{', '.join(counts)}\n" if counts else "no change\n")


def _places(item: Change) -> list[str]:
    spans = [span for span in (item.old, item.new) if span is not None]
    return [f"{printable(span.source.name)}:{span.line}" for span in spans]


def _json(changes: Sequence[Change]) -> dict[str, Any]:
    severity = worst(changes)
    return {
        "version": JSON_VERSION,
        "severity": severity.value if severity else None,
        "changes": [
            {
                "rule": item.rule,
                "severity": item.severity.value,
                "area": item.area.value,
                "device": item.device,
                "message": item.message,
                "old": _place(item.old),
                "new": _place(item.new),
            }
            for item in changes
        ],
    }


def _place(span: Span | None) -> dict[str, Any] | None:
    return {"file": span.source.name, "span": span.as_list()} if span else None


def _sarif(changes: Sequence[Change]) -> dict[str, Any]:
    from .sarif import Finding, Rule, log

    rules = {
        name: Rule(meaning, f"For {area.value}: {meaning}.", "warning")
        for name, (area, meaning) in RULES.items()
    }
    findings = [
        Finding(
            item.rule,
            _LEVELS[item.severity],
            f"device {item.device}: {item.message} ({item.severity.value})",
            item.new or item.old,
            (
                [(item.old, f"before, in {os.path.basename(item.old.source.name)}")]
                if item.old and item.new
                else []
            ),
        )
        for item in changes
    ]
    return log(rules, findings)
