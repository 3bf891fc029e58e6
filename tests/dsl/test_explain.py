"""Every code is explained, by examples that are what they are said to be."""

from __future__ import annotations

import pytest

from imsgen.dsl.codes import CODES
from imsgen.dsl.diagnostics import render
from imsgen.dsl.explain import EXAMPLES, LAYOUT, NAMED, Example, explain
from imsgen.dsl.format import format_text

#: The good examples by their text: most codes share one.
GOOD = {example.good: example for example in EXAMPLES.values()}


def test_every_code_has_examples() -> None:
    assert list(EXAMPLES) == list(CODES)
    assert all(one.good_files == GOOD[one.good].good_files for one in EXAMPLES.values())


@pytest.mark.parametrize("code", CODES)
def test_bad_example(code: str) -> None:
    """Exactly that code, and at most what can't be kept from coming along."""
    found = EXAMPLES[code].check(good=False).diagnostics
    assert {item.code for item in found} == {code, *EXAMPLES[code].also}, render(found)


def test_few_codes_come_along() -> None:
    assert {code: example.also for code, example in EXAMPLES.items() if example.also} == {
        "IMS017": ("IMS027",),
        "IMS025": ("IMS020",),
    }


@pytest.mark.parametrize("example", GOOD.values())
def test_good_example(example: Example) -> None:
    result = example.check(good=True)
    assert result.devices and not result.diagnostics, render(result.diagnostics)


@pytest.mark.parametrize("text", sorted({LAYOUT, NAMED, *GOOD}))
def test_good_examples_are_formatted(text: str) -> None:
    if "include" not in text:
        assert format_text("foo.ims", text.encode()).text == text


@pytest.mark.parametrize("code", CODES)
def test_page(code: str) -> None:
    """All of it is there, fits a terminal, and shows nothing that isn't printable."""
    page = explain(code)
    assert page.startswith(f"{code}, {CODES[code].severity.value}: {CODES[code].meaning}\n\n")
    assert " ".join(CODES[code].explanation.split()) in " ".join(page.split())
    assert "\nBad:\n" in page and "\nGood:\n" in page
    assert f"{CODES[code].severity.value}[{code}]" in page
    assert "\n\n\n" not in page and page.endswith("\n")
    assert len(page) < 5000 and "tmp" not in page
    assert all(line.isprintable() and line == line.rstrip() for line in page.splitlines())
