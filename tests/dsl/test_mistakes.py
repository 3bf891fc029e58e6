"""Plausible mistakes: each is found at the right place, with a hint that helps.

``tests/mistakes/*.toml`` has them, one a line: what stands in the layout, what was written in its
place with the place of the finding between ``‹`` and ``›``, the finding's code, and its hint.
Hints of ``mended`` work when they are applied, those of ``told`` need a person.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache

import pytest
from dsl_samples import ROOT

from imsgen.dsl import load
from imsgen.dsl.diagnostics import Diagnostic
from imsgen.dsl.slips import statement

FILES = sorted((ROOT / "tests" / "mistakes").glob("*.toml"))

#: Layout, what is right in it, what is wrong, code, hint, whether the hint can be applied.
Case = tuple[str, str, str, str, str, bool]


def cases() -> list[Case]:
    out = []
    for path in FILES:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for key in ("mended", "told"):
            for good, bad, code, hint in data[key]:
                out.append((data["layout"], good, bad, code, hint, key == "mended"))
    return out


CASES = cases()


@cache
def errors(text: str) -> list[Diagnostic]:
    """The errors of a layout; what mends one mistake often mends another."""
    return [found for found in load("foo.ims", text.encode()).diagnostics if found.is_error]


def applied(text: str, found: Diagnostic, wrong: str) -> list[str]:
    """The layout with what the finding quotes: at its place, for the mistake, for the statement."""
    start, end = found.span.start, found.span.end
    line = text.rfind("\n", 0, start) + 1
    line += len(text[line:]) - len(text[line:].lstrip())
    whole = statement(text, line)
    out = []
    for quoted in re.findall(r"`([^`]*)`", f"{found.hint} {found.label}"):
        out.append(text[:start] + quoted + text[end:])
        out.append(text.replace(wrong, quoted, 1))
        out.append(text[:line] + quoted + text[line + len(whole) :])
    return out


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_layouts_are_right(path: object) -> None:
    for layout in {case[0] for case in CASES}:
        assert not load("foo.ims", layout.encode()).diagnostics


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2])
def test_mistake(case: Case) -> None:
    layout, good, marked, code, hint, mended = case
    assert layout.count(good) == 1
    before, between, after = re.split("[‹›]", marked)
    wrong = before + between + after
    text = layout.replace(good, wrong)
    found = load("foo.ims", text.encode()).diagnostics
    assert found, "passes"
    at = layout.index(good) + len(before)
    first = min(found, key=lambda item: (item.code != code, abs(item.span.start - at)))
    assert (first.code, first.hint or first.label) == (code, hint)
    assert text[first.span.start : first.span.end] == between and first.span.start == at
    tried = applied(text, first, wrong)
    assert any(not errors(made) for made in tried) is mended


def test_enough_mistakes() -> None:
    assert len(CASES) >= 120
    assert len(CASES) == len({(case[1], case[2]) for case in CASES})
