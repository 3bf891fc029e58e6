"""Kernel configurations: fragments on top of allnoconfig, and whether they took effect."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .arch import ARCHS

CONFIGS = Path(__file__).resolve().parent / "configs"


def assignments(text: str) -> dict[str, str]:
    """The symbols a fragment or a .config sets, CONFIG_ included. "n" for "is not set"."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        unset = re.fullmatch(r"# (CONFIG_\w+) is not set", line.strip())
        match = re.fullmatch(r"(CONFIG_\w+)=(.*)", line.strip())
        if unset:
            found[unset[1]] = "n"
        elif match:
            found[match[1]] = match[2]
    return found


def merge(texts: Iterable[str]) -> dict[str, str]:
    """The symbols of several fragments; a later one wins."""
    found: dict[str, str] = {}
    for text in texts:
        found.update(assignments(text))
    return found


def as_text(wanted: dict[str, str]) -> str:
    """A fragment of the symbols, sorted."""
    lines = (
        f"# {name} is not set\n" if value == "n" else f"{name}={value}\n"
        for name, value in sorted(wanted.items())
    )
    return "".join(lines)


def unmet(wanted: dict[str, str], got: dict[str, str]) -> tuple[str, ...]:
    """The wanted lines that a .config doesn't have, with what it has instead. A symbol that the
    .config doesn't mention is "n" there."""
    return tuple(
        f"{name}={value} (is {got.get(name, 'n')})"
        for name, value in sorted(wanted.items())
        if got.get(name, "n") != value
    )


def fragments(arch: str, *more: str) -> list[str]:
    """The texts of the fragments for ARCH, and of those named in MORE."""
    return [(CONFIGS / f"{name}.config").read_text() for name in (*ARCHS[arch].fragments, *more)]
