"""The parts that views are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imsgen.dsl.model import Size

from ..fold import tabs, width


@dataclass(frozen=True)
class Line:
    """A name, the tabs behind it, and what follows: a #define, a member, an initialiser."""

    name: str
    tabs: str
    value: str


@dataclass(frozen=True)
class Member:
    """A member of a struct: its declaration, and what its kernel-doc says."""

    name: str
    decl: str
    what: str


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sized(size: Size, what: str = "slot") -> str:
    """How many of something a store has."""
    if size.value is None:
        return f"up to {size.maximum} {what}s"
    return f"{size.value} {what}" + ("s" if size.value != 1 else "")


def aligned(pairs: Sequence[tuple[str, str]], before: str = "") -> tuple[Line, ...]:
    """Names and values with the values in one column; ``before`` is what stands before a name."""
    column = max((width(before + name) for name, _ in pairs), default=0) // 8 * 8 + 8
    return tuple(Line(name, tabs(before + name, column), value) for name, value in pairs)


def members(parts: Sequence[tuple[str, str, str]]) -> tuple[Member, ...]:
    """Members of (type, name with its array, text), the names in one column.

    A type that ends in ``*`` has its asterisk at the name, one with ``(*`` is all of it.
    """
    kinds = [kind for kind, _, _ in parts if "(*" not in kind]
    column = 8 + max((width(kind.rstrip("* ")) for kind in kinds), default=0) // 8 * 8 + 8
    out = []
    for kind, name, what in parts:
        plain = name.partition("[")[0]
        if "(*" in kind:
            before, _, behind = kind.partition("(*")
            decl = f"{before.rstrip()}{tabs(8 * ' ' + before.rstrip(), column)}(*{name}{behind}"
        else:
            base = kind.rstrip("* ")
            decl = f"{base}{tabs(8 * ' ' + base, column)}{kind[len(base):].strip()}{name}"
        out.append(Member(plain, decl, what))
    return tuple(out)
