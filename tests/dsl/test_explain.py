"""Every code is explained, by examples that are what they are said to be."""

from __future__ import annotations

import pytest

from imsgen.dsl.codes import CODES
from imsgen.dsl.diagnostics import render
from imsgen.dsl.explain import EXAMPLES, LAYOUT, NAMED, explain
from imsgen.dsl.format import format_text

#: The good examples by their text: most codes share one.
GOOD = {example.good: example for example in EXAMPLES.values()}


def test_every_code_has_examples() -> None:
    assert list(EXAMPLES) == list(CODES)
    assert all(one.good_files == GOOD[one.good].good_files for one in EXAMPLES.values())


@pytest.mark.parametrize("code", CODES)
def test_code(code: str) -> None:
    """The bad example has exactly that code, and at most what can't be kept from coming along.

    All of the page is there, fits a terminal, and shows nothing that isn't printable.
    """
    found = EXAMPLES[code].check(good=False).diagnostics
    assert {item.code for item in found} == {code, *EXAMPLES[code].also}, render(found)

    page = explain(code)
    assert page.startswith(f"{code}, {CODES[code].severity.value}: {CODES[code].meaning}\n\n")
    assert " ".join(CODES[code].explanation.split()) in " ".join(page.split())
    assert "\nBad:\n" in page and "\nGood:\n" in page
    assert f"{CODES[code].severity.value}[{code}]" in page
    assert "\n\n\n" not in page and page.endswith("\n")
    assert len(page) < 5000 and "tmp" not in page
    assert all(line.isprintable() and line == line.rstrip() for line in page.splitlines())


def test_few_codes_come_along() -> None:
    assert {code: example.also for code, example in EXAMPLES.items() if example.also} == {
        "IMS017": ("IMS027",),
        "IMS025": ("IMS020",),
    }


def test_good_examples() -> None:
    for example in GOOD.values():
        result = example.check(good=True)
        assert result.devices and not result.diagnostics, render(result.diagnostics)


def test_good_examples_are_formatted() -> None:
    for text in {LAYOUT, NAMED, *GOOD}:
        if "include" not in text:
            assert format_text("foo.ims", text.encode()).text == text
