"""One mistake hides nothing else, and makes no other."""

from __future__ import annotations

import pytest
from dsl_samples import EVERYTHING, GOOD, MSIX, SLOT, STORE, device

from imsgen.dsl import load


def found(text: str) -> list[tuple[str, int]]:
    result = load("recovery.ims", text.encode())
    return [(item.code, item.span.line) for item in result.diagnostics]


def codes(text: str) -> list[str]:
    return [code for code, _ in found(text)]


@pytest.mark.slow
@pytest.mark.parametrize("sign", [";", ":", "=", "]", "@", "{"])
def test_each_missing_sign_is_one_finding(sign: str) -> None:
    """Each sign of a file with everything is left out in turn."""
    at = EVERYTHING.find(sign)
    seen = 0
    while at >= 0:
        if EVERYTHING[:at].count('"') % 2 == 0 and "bits" not in EVERYTHING[at - 9 : at]:
            text = EVERYTHING[:at] + EVERYTHING[at + 1 :]
            result = codes(text)
            assert len(result) == 1, (text[max(0, at - 30) : at + 10], result)
            seen += 1
        at = EVERYTHING.find(sign, at + 1)
    assert seen


WORDS = ["device", "store", "bar", "offset", "slots", "slot", "control", "data", "address", "mask",
         "vector", "pool", "dedicated", "path", "maintainer", "pci", "requires"]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_a_misspelt_word_is_one_finding(word: str) -> None:
    at = EVERYTHING.index(f"{word} ") if f"{word} " in EVERYTHING else EVERYTHING.index(word)
    text = EVERYTHING[:at] + word[0] + "x" + word[1:] + EVERYTHING[at + len(word) :]
    assert len(codes(text)) == 1, codes(text)


def test_statement_before_and_behind_still_count() -> None:
    text = device(
        MSIX,
        "vector a = table[9999];",
        "vector b := table[1];",
        "vector c = table[9998];",
        "pool d = tabel { dedicated; }",
    )
    assert codes(text) == ["IMS070", "IMS010", "IMS070", "IMS027"]


def test_unreadable_store_makes_no_unknown_store() -> None:
    text = device("store ims = iomem { bar 0; }", "vector a = ims[0];")
    assert codes(text) == ["IMS010"]


def test_lost_store_makes_no_unknown_store() -> None:
    text = device("store ims: queue { slots 8; }", "vector a = ims[0];", "vector b = imz[1];")
    assert codes(text) == ["IMS010", "IMS027"]


def test_a_complete_range_of_a_lost_pool_is_no_lost_store() -> None:
    """It names a store, so it can't be what hides one."""
    text = device(
        "store : msix;",
        "pool a = table[0..3] { dedicated; }",
        "pool b = table[4..] three { dedicated; }",
    )
    assert codes(text) == ["IMS010", "IMS027", "IMS010"]


def test_unreadable_required_property_is_not_missing_too() -> None:
    assert codes(GOOD.replace("bar 0;", "bar zero;")) == ["IMS010"]
    assert codes(GOOD.replace("mask bit 0;", "mask bit zero;")) == ["IMS010"]
    assert codes(GOOD.replace("data @8;", "data at 8;")) == ["IMS010"]
    assert codes(GOOD.replace("pci 1af4:1234;", "pci;")) == ["IMS010"]


def test_wrong_number_makes_nothing_else() -> None:
    assert codes(GOOD.replace("slots 8;", "slots 08;")) == ["IMS008"]
    assert codes(GOOD.replace("ims[0]", "ims[00]")) == ["IMS008"]
    assert codes(GOOD.replace("slot 16", "slot 1x6")) == ["IMS008"]


def test_missing_brace_is_one_finding() -> None:
    for block in (SLOT, STORE):
        last = block.rindex("}")
        text = GOOD.replace(block, block[:last] + block[last + 1 :])
        assert codes(text) == ["IMS012"], text
    assert codes(GOOD.rstrip()[:-1]) == ["IMS012"]
    second = device(MSIX, "vector a = table[0];", name="bar", pci="    pci 1af4:1;\n")
    assert codes(GOOD.rstrip()[:-1] + "\n" + second) == ["IMS012", "IMS042"]


def test_surplus_brace_is_one_finding() -> None:
    assert codes(GOOD + "}") == ["IMS013"]
    assert codes(GOOD + "}\n" + device(MSIX, "vector a = table[9999];", name="bar",
                 pci="    pci 1af4:0001;\n")) == ["IMS013", "IMS070"]  # fmt: skip


def test_three_in_one_line() -> None:
    text = device(MSIX, "vector a table[0]; vector b = [1]; vector c = table[1] 'x'; pool p = ;")
    assert codes(text) == ["IMS011", "IMS010", "IMS010", "IMS010"]


def test_order_is_that_of_the_file() -> None:
    text = device(MSIX, "vector int = table[0];", "vector $ = table[0];", "pool p = table { }")
    lines = [line for _, line in found(text)]
    assert lines == sorted(lines)


@pytest.mark.slow
def test_stops_somewhere() -> None:
    text = device(MSIX, *("what is this;" for _ in range(2000)))
    result = load("recovery.ims", text.encode())
    assert len(result.diagnostics) == 501
    assert [item.code for item in result.diagnostics if not item.is_error] == ["IMS017"]
    assert result.devices == ()
