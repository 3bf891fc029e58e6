"""``docs/language.md`` says what grammar, rules and catalogue say."""

from __future__ import annotations

import re

import pytest
from dsl_goldens import UPDATE
from dsl_samples import ROOT

from imsgen.dsl import MAX_BYTES, load, model
from imsgen.dsl.codes import CODES
from imsgen.dsl.diagnostics import Severity, render
from imsgen.dsl.files import MAX_INCLUDED, MAX_PARTS
from imsgen.dsl.kinds import KINDS
from imsgen.dsl.rules.device import ARCHITECTURES
from imsgen.dsl.rules.names import MAX_NAME
from imsgen.dsl.rules.pools import MAX_SUBDEVICES
from imsgen.dsl.rules.slots import MAX_STRIDE, WIDTHS
from imsgen.dsl.rules.stores import PAIR
from imsgen.dsl.rules.texts import MAX_TEXT
from imsgen.dsl.rules.vectors import MAX_SHARE
from imsgen.dsl.tokens import keywords, signs

PATH = ROOT / "docs" / "language.md"
CODES_START = "Warnings (marked *w*) don't stop anything.\n\n"


STORES = "| store | its messages | must have | may have |\n| --- | --- | --- | --- |\n"

#: How the row of a place begins, and the one behind them.
PLACE = "byte offset of"
LAST = "| `slot STRIDE { ... }` |"


def stores(platform: bool) -> str:
    """The table of the kinds of stores, of PCI functions or platform devices."""
    rows = []
    for kind in KINDS:
        if kind.platform is platform:
            may = [word for word in kind.words if word not in kind.required]
            words = [" ".join(f"`{word}`" for word in some) for some in (kind.required, may)]
            cells = [f"`store NAME: {kind.word} {{ ... }}`", kind.about, *words]
            rows.append("|".join(["", *(f" {cell} " if cell else " " for cell in cells), "\n"]))
    return STORES + "".join(rows)


def places() -> str:
    """The rows of statements that are places."""
    all_places = dict.fromkeys(place for kind in KINDS for place in kind.places)
    return "".join(f"| `{p.word} @N;` | {PLACE} {p.about} |\n" for p in all_places)


def made(text: str) -> str:
    """The page with the lists that are made from the sources."""
    rest = re.sub(rf"\| `\w+ @N;` \| {PLACE} .*\n", "", text)
    before, after = rest.split(LAST)
    text = before + places() + LAST + after
    begin, between, end = re.split(rf"{re.escape(STORES)}(?:\|.*\n)+", text)
    text = begin + stores(False) + between + stores(True) + end
    start = text.index(CODES_START) + len(CODES_START)
    rows = [
        f"| {code} | {entry.meaning}{' *w*' if entry.severity is Severity.WARNING else ''} |"
        for code, entry in CODES.items()
    ]
    return text[:start] + "\n".join(["| code | meaning |", "| --- | --- |", *rows]) + "\n"


if UPDATE:
    PATH.write_text(made(PATH.read_text(encoding="utf-8")), encoding="utf-8")
TEXT = PATH.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```ims(?: refused (IMS\d{3}))?\n(.*?)^```$", TEXT, re.M | re.S)
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.M | re.S)
QUOTED = " ".join(re.findall(r"`([^`]*)`", PROSE))


def test_lists_are_made_from_the_sources() -> None:
    assert made(TEXT) == TEXT


def test_there_are_blocks_of_both_kinds() -> None:
    assert {bool(code) for code, _ in BLOCKS} == {True, False}
    assert TEXT.count("```") == 2 * len(BLOCKS)


@pytest.mark.parametrize(("code", "text"), BLOCKS)
def test_blocks(code: str, text: str) -> None:
    result = load("language.ims", text.encode())
    assert [found.code for found in result.diagnostics] == ([code] if code else []), render(
        result.diagnostics
    )
    assert bool(result.devices) is not bool(code)


def test_every_word_is_explained() -> None:
    assert keywords().keys() <= set(re.findall(r"\w+", QUOTED))


def test_every_sign_is_shown() -> None:
    assert [sign for sign in signs() if sign not in QUOTED] == []


def statement(template: str) -> str | None:
    """A statement of the page's tables as a file would have it."""
    known = {
        "VVVV:DDDD": "1af4:1234",
        "CCCCCC": "020000",
        '"DIR"': '"drivers/foo"',
        '"NAME <MAIL>"': '"A <a@b>"',
        "HIGH:LOW": "31:16",
        "STRIDE": "16",
        "{ ... }": "{ }",
        "NAME_enable": "foo_enable",
        "NAME": "foo",
        "POOL": "foo",
        "A..B": "1..2",
        "N": "1",
    }
    for word, value in known.items():
        template = re.sub(rf"(?<![\w<]){re.escape(word)}(?!\w)", value, template)
    return template


def table_statements() -> list[str]:
    rows = re.findall(r"^\| (`.*?) \| ", PROSE, re.M)

    return [item for row in rows for item in re.findall(r"`([^`]*)`", row)]


def test_statements_of_the_tables_are_syntax() -> None:
    """Each statement is taken in one of the blocks, by the grammar at least."""
    outer = [
        "device d {{ {} }}",
        *(f"device d {{{{ store s: {kind.word} {{{{ {{}} }}}} }}}}" for kind in KINDS),
        "device d {{ store s: iomem {{ slot 16 {{ {} }} }} }}",
        "device d {{ store s: iomem {{ slot 16 {{ control @0 {{ {} }} }} }} }}",
        "device d {{ pool p = s {{ {} }} }}",
        "device d {{ subdevice s max 1 {{ {} }} }}",
    ]
    syntax = {"IMS010", "IMS011", "IMS012", "IMS013", "IMS015"}
    for template in table_statements():
        texts = (form.format(statement(template)) for form in outer)
        found = ({f.code for f in load("x.ims", text.encode()).diagnostics} for text in texts)
        assert any(not syntax & codes for codes in found), template


def test_there_are_statements() -> None:
    assert len(table_statements()) >= 30


def test_limits() -> None:
    assert MAX_BYTES == 1 << 20
    assert f"at most 1 MiB and {MAX_PARTS:,} statements, blocks and\nranges" in TEXT
    assert f"(of at most {MAX_INCLUDED} files)" in TEXT
    assert f"Names have 1 to {MAX_NAME} characters" in TEXT
    assert f"up to {model.MAX_MSIX:,} entries" in TEXT
    assert f"number of slots, 1 to {model.MAX_INDEXES:,}" in TEXT
    assert f"a multiple of 4, 4 to {MAX_STRIDE:,}" in TEXT
    assert f"up to N users (1 to {MAX_SHARE:,})" in TEXT
    assert f"at most {MAX_TEXT}\ncharacters of printable ASCII" in TEXT
    assert f"up to {model.MAX_MSI} messages" in TEXT
    assert f"there can be up to N (1 to {MAX_SUBDEVICES:,})" in TEXT
    assert ", ".join(f"`{name}`" for name in ARCHITECTURES[:-1]) + " and " in TEXT
    assert f"`{ARCHITECTURES[-1]}`. Without it" in TEXT
    assert "multiple of\n8, and" in TEXT and PAIR == 8
    assert WIDTHS["data"] == (32, 16)
    assert WIDTHS["control"] == (64, 32, 16) and "`width 64` or 16 where it has not 32" in TEXT
