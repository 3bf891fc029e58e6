"""Each limit from both sides: the last value that is right, the first that is wrong."""

from __future__ import annotations

import pytest
from dsl_samples import GOOD, MSIX, STORE, device, slot

from imsgen.dsl import load
from imsgen.dsl.parser import MAX_NUMBER
from imsgen.dsl.validate import DEVICE_RULES, FILE_RULES
from imsgen.dsl.words import C_KEYWORDS, KERNEL_NAMES, KERNEL_PREFIXES

REGISTERS = ("address_lo @0;", "address_hi @4;", "data @8;")


def codes(text: str) -> list[str]:
    return [found.code for found in load("rule.ims", text.encode()).diagnostics]


def with_slot(*args: str, stride: int = 16, control: str = "mask bit 0;") -> str:
    return device(slot(*args, stride=stride, control=control), "vector v = ims[0];")


def titled(title: str) -> str:
    return GOOD.replace("foo {", f'foo "{title}" {{')


def with_path(path: str) -> str:
    return device(f'path "{path}";', STORE, "vector v = ims[0];")


def by(maintainer: str) -> str:
    return device(f'maintainer "{maintainer}";', STORE, "vector v = ims[0];")


def sized(**changes: str) -> str:
    text = GOOD
    for word, value in changes.items():
        old = {"bar": "bar 0;", "offset": "offset 0x1000;", "slots": "slots 8;"}[word]
        text = text.replace(old, f"{word} {value};")
    return text


FINE = [
    sized(bar="5"),
    sized(offset="0"),
    sized(offset="runtime max 0"),
    sized(offset="0xffff_ff80"),
    sized(slots="1"),
    sized(slots="65536"),
    sized(slots="runtime max 65536"),
    with_slot(*REGISTERS, stride=65536),
    with_slot("address_lo @12;", "data @8 width 16;", "control @10 width 16 { mask bit 15; }",
              control=""),
    with_slot("address_lo @4;", "data @0;", "control @8 { mask bit 0; }", control="", stride=12),
    with_slot("address @4;", "data @0;"),
    with_slot(*REGISTERS, control="mask bit 31; a bits 30:0 cookie;"),
    with_slot(*REGISTERS, control="mask bit 0; a bits 1:1 cookie;"),
    device(MSIX, "vector v = table[2047];"),
    device(MSIX, "pool p = table[2047..2047] { dedicated; }"),
    device(MSIX, "pool p = table[0] + table[2..4] + table[1] { dedicated; }"),
    device(STORE, "vector v = ims[7];"),
    device(MSIX, f"vector {'a' * 24} = table[0];"),
    device(MSIX, "vector a_1_b = table[0];"),
    titled("x" * 64),
    titled("PCIe 5.0: 2 x 200 Gbit/s (QSFP-DD), rev. A & B; <https://a>"),
    titled("Data from the queue"),
    titled("snake_case is_fine"),
    with_path("drivers/net/ethernet/mellanox/mlx5/core"),
    with_path("a.b/c-d/E_f1"),
    with_path("d" * 96),
    by("J. Doe <jane.doe+kernel@mail.example.org>"),
    by("Łukasz Ünicode <l@example.org>"),
    device(STORE, "vector v = ims[0];", pci="    pci 0000:0000;\n"),
]  # fmt: skip

WRONG = [
    ("IMS050", sized(bar="6")),
    ("IMS050", sized(offset="0x1_0000_0000")),
    ("IMS050", sized(offset="runtime max 0x1_0000_0000")),
    ("IMS059", sized(offset="0xffff_ff84")),
    ("IMS060", sized(offset="2")),
    ("IMS060", sized(offset="runtime max 2")),
    ("IMS051", sized(slots="0")),
    ("IMS051", sized(slots="runtime max 0")),
    ("IMS051", sized(slots="65537")),
    ("IMS052", sized(slots="runtime")),
    ("IMS009", sized(slots="1" * (MAX_NUMBER + 1))),
    ("IMS009", sized(slots="1" * 5000)),
    ("IMS050", with_slot(*REGISTERS, stride=65540)),
    ("IMS053", with_slot(*REGISTERS, stride=17)),
    ("IMS054", with_slot("address @2;", "data @20;", stride=32)),
    ("IMS054", with_slot("address_lo @0;", "data @5 width 16;")),
    ("IMS055", with_slot("address_lo @0;", "data @16;")),
    ("IMS056", with_slot("address @0;", "data @4;")),
    ("IMS057", with_slot("address_lo @0 width 16;", "data @8;")),
    ("IMS062", with_slot(*REGISTERS, control="mask bit 32;")),
    ("IMS063", with_slot(*REGISTERS, control="mask bit 0; a bits 32:4 cookie;")),
    ("IMS064", with_slot(*REGISTERS, control="mask bit 0; a bits 4:8 cookie;")),
    ("IMS065", with_slot(*REGISTERS, control="mask bit 4; a bits 8:4 cookie;")),
    ("IMS065", with_slot(*REGISTERS, control="mask bit 0; a bits 8:4 cookie; a_enable bit 8;")),
    ("IMS070", device(MSIX, "vector v = table[2048];")),
    ("IMS070", device(STORE, "vector v = ims[8];")),
    ("IMS074", device(MSIX, "pool p = table[2048..] { dedicated; }")),
    ("IMS074", device(STORE, "pool p = ims[8..] { dedicated; }")),
    ("IMS074", device(STORE, "pool p = ims[0..8] { dedicated; }")),
    ("IMS075", device(MSIX, "pool p = table[0..4] + table[4] { dedicated; }")),
    ("IMS075", device(MSIX, "pool p = table + table { dedicated; }")),
    ("IMS072", device(MSIX, "vector v = table[5];", "pool p = table[0..9] { dedicated; }")),
    ("IMS021", device(MSIX, f"vector {'a' * 25} = table[0];")),
    ("IMS030", titled("")),
    ("IMS030", titled("a ")),
    ("IMS031", titled("x" * 65)),
    ("IMS032", titled("µs")),
    ("IMS032", titled("a\u200bb")),
    ("IMS033", titled("a */ b")),
    ("IMS034", titled("100%")),
    ("IMS035", titled("x ---")),
    ("IMS035", titled("Reported-by: me")),
    ("IMS035", titled("x From y")),
    ("IMS036", titled("a ../b")),
    ("IMS036", with_path("/drivers")),
    ("IMS036", with_path("drivers/")),
    ("IMS036", with_path("..")),
    ("IMS036", with_path("drivers/..")),
    ("IMS036", with_path("drivers/a b")),
    ("IMS036", with_path("-rf")),
    ("IMS031", with_path("d" * 97)),
    ("IMS037", by("<jane@example.org>")),
    ("IMS037", by("Jane <jane>")),
    ("IMS032", by("Jane\u202f <jane@example.org>")),
    ("IMS004", by("Jane\u202e <jane@example.org>")),
    ("IMS045", "device foo { }"),
    ("IMS005", "# nothing"),
]


@pytest.mark.parametrize("text", FINE)
def test_fine(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(("code", "text"), WRONG)
def test_wrong(code: str, text: str) -> None:
    """The one finding, and nothing that only follows from it."""
    assert codes(text) == [code]


@pytest.mark.parametrize("word", sorted(C_KEYWORDS))
def test_c_keywords(word: str) -> None:
    assert codes(device(MSIX, f"pool {word} = table {{ dedicated; }}")) == ["IMS022"]


@pytest.mark.parametrize("word", sorted(KERNEL_NAMES))
def test_kernel_names(word: str) -> None:
    assert codes(device(MSIX, f"vector {word} = table[0];")) == ["IMS023"]


@pytest.mark.parametrize("word", sorted(KERNEL_PREFIXES))
def test_kernel_prefixes(word: str) -> None:
    assert codes(device(MSIX, "vector v = table[0];", name=word)) == ["IMS023"]
    assert codes(device(MSIX, f"vector {word} = table[0];")) == []


def test_rules_are_registered() -> None:
    """A rule that isn't in the lists would never run."""
    from imsgen.dsl import rules_device, rules_layout, rules_names, rules_texts, rules_vectors

    written = {
        value
        for module in (rules_device, rules_layout, rules_names, rules_texts, rules_vectors)
        for name, value in vars(module).items()
        if name.startswith(("rule_", "file_rule_"))
    }
    assert written == {*DEVICE_RULES, *FILE_RULES}
    assert all(rule.__doc__ for rule in written)
