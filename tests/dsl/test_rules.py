"""Each limit from both sides: the last value that is right, the first that is wrong."""

from __future__ import annotations

import re

import pytest
from dsl_samples import COMMAND, EXPORTED, GOOD, MEMORY, MSIX, STORE, device, slot

from imsgen.dsl import load
from imsgen.dsl.parse import MAX_NUMBER
from imsgen.dsl.rules.words import C_KEYWORDS, KERNEL_NAMES, KERNEL_PREFIXES

REGISTERS = ("address_lo @0;", "address_hi @4;", "data @8;")
UNMASKABLE = slot("address_lo @0;", "address_hi @4;", "data @8;", control="").replace(
    "bar 0;", "bar 0; unmaskable;"
)


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


def last(*parts: str) -> str:
    return device(STORE, "vector end = ims[last];", *parts)


def sized(**changes: str) -> str:
    text = GOOD
    for word, value in changes.items():
        old = {"bar": "bar 0;", "offset": "offset 0x1000;", "slots": "slots 8;"}[word]
        text = text.replace(old, f"{word} {value};")
    return text


def memory(registers: str, stride: int = 16, endian: str = "") -> str:
    """A device with slots in memory, the control word at their end."""
    control = f"control @{stride - 4} {{ mask bit 0; }}"
    layout = f"slot {stride} {endian} {{ {registers} {control} }}"
    return device(f"store q: memory {{ slots 8; {layout} }}", "vector v = q[0];")


def tables(text: str) -> str:
    """A device with a store of these tables."""
    layout = "slot 16 { address @0; data @8; control @12 { mask bit 0; } }"
    return device(f"store ims: iomem {{ bar 0; {text} {layout} }}", "vector v = ims[0];")


def bits(text: str, control: str = "") -> str:
    """A device with a table of 8 slots from 0x1000 to 0x107f, and these arrays of bits."""
    return device(
        slot(*REGISTERS, control=control).replace("bar 0;", f"bar 0; {text}"), "vector v = ims[0];"
    )


def sub(text: str, pool: str = "table { share per cpu up to 8; }") -> str:
    """A device with a pool and a kind of subdevices."""
    return device(MSIX, f"pool p = {pool}", f"subdevice sf {text}")


LAYOUT = "slot a 16 { address @0; data @8; control @12 { mask bit 0; } }\n"

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
    with_slot(*REGISTERS, control="mask bit 31; a bits 30:0 cookie optional;"),
    with_slot(*REGISTERS, control="mask bit 0; a bits 1:1 cookie optional;"),
    device(MSIX, "vector v = table[2047];"),
    device(MSIX, "pool p = table[2047..2047] { dedicated; }"),
    device(MSIX, "pool p = table[0] + table[2..4] + table[1] { dedicated; }"),
    device(STORE, "vector v = ims[7];"),
    device(MSIX, f"vector {'a' * 24} = table[0];"),
    device(MSIX, "vector a_1_b = table[0];"),
    device("store m: msi;", "vector v = m[31];"),
    device("store m: msi { slots 4; }", "vector v = m[3];"),
    device("store m: msix { slots 1; }", "vector v = m[0];"),
    # Cookies that are required: of shared vectors, and of subdevices.
    device("store c: command { slots 8; cookie a; }", "pool p = c { share per cpu up to 2; }"),
    device(
        "store c: command { slots 8; cookie a; }",
        "pool p = c { dedicated; }",
        "subdevice sf max 1 { vector p; }",
    ),
    device("store m: msi;", "pool p = m[31] { dedicated; }"),
    device(EXPORTED, "vector v = peer[15];"),
    device("store c: command { slots 65536; }", "vector v = c[65535];"),
    device("requires remapping;", COMMAND, "pool p = c { dedicated; }"),
    memory("address_lo @0; data @4;"),
    memory("data @0; address_lo @4;"),
    memory("address_lo @8; data @12; address_hi @16;", stride=24),
    memory("address @4; data @12;", stride=24, endian="big endian"),
    tables("table offset 0 slots 1;"),
    tables("table offset 0x80 slots 8; table offset 0 slots 8;"),
    tables("table offset 0x10_0000 slots 32768; table offset 0 slots 32768;"),
    tables("table offset 0xffff_fff0 slots 1;"),
    bits("mask_bits @0x1080;"),
    bits("mask_bits @0xffc;"),
    bits("mask_bits bar 2 @0x1000; pending bar 3 @0x1000;"),
    bits("mask_bits @0x2000; pending @0x2004;"),
    bits("mask_bits @0xffff_fffc;"),
    device(MSIX, "pool p = table[0..3] { share per cpu up to 8; dedicated; reserve 4; }"),
    device(MSIX, "pool p = table { share least loaded up to 65536; }"),
    device(MSIX, "pool p = table { share least loaded up to 8; dedicated; cpus node; }"),
    device("requires 1 vectors;", MSIX, "vector v = table[0];"),
    device("requires 2048 vectors;", MSIX, "pool p = table[0..3] { dedicated; }"),
    device("requires 8 vectors;", MSIX, "vector v = table[7];"),
    device("requires 67584 vectors;", MSIX, COMMAND, "pool p = table + c { dedicated; }"),
    device("requires remapping;", UNMASKABLE, "vector v = ims[0];"),
    device(
        slot(*REGISTERS, control="a bits 7:0 cookie optional;").replace(
            "bar 0;", "bar 0; unmaskable;"
        ),
        "pool p = ims { dedicated; }",
    ),
    device("requires remapping;", slot(*REGISTERS, control="mask bit 0;")
           .replace("bar 0;", "bar 0; pending @0x2000;"), "vector v = ims[0];"),
    device(
        "requires remapping;",
        MEMORY.replace("mask bit 0;", "").replace("slots", "unmaskable; slots"),
        "vector v = q[0];",
    ),
    device(MSIX, "vector a = table[5];", "pool p = table[6..] { managed; }"),
    device(MSIX, STORE, "pool p = table { managed; }", "pool q = ims { dedicated; }"),
    sub("max 65536 { vectors p 1..65536; }"),
    sub("max 1 { vectors p 1..1; }"),
    sub("max 3 { vectors p 2..8; }", "table[0..5] { dedicated; }"),
    sub("max 65536 { vectors p 65536..65536; }", "table[0] { share per cpu up to 1; }"),
    device(
        slot(*REGISTERS, control="mask bit 0; a bits 31:12 cookie optional;"),
        "pool p = ims { dedicated; }",
        "subdevice sf max 1 { vector p; }",
    ),
    device("architecture x86;", STORE, "vector v = ims[0];"),
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
    ("IMS063", with_slot(*REGISTERS, control="mask bit 0; a bits 32:4 cookie optional;")),
    ("IMS064", with_slot(*REGISTERS, control="mask bit 0; a bits 4:8 cookie optional;")),
    ("IMS065", with_slot(*REGISTERS, control="mask bit 4; a bits 8:4 cookie optional;")),
    (
        "IMS065",
        with_slot(*REGISTERS, control="mask bit 0; a bits 8:4 cookie optional; a_enable bit 8;"),
    ),
    ("IMS070", device(MSIX, "vector v = table[2048];")),
    ("IMS070", device(STORE, "vector v = ims[8];")),
    ("IMS074", device(MSIX, "pool p = table[2048..] { dedicated; }")),
    ("IMS074", device(STORE, "pool p = ims[8..] { dedicated; }")),
    ("IMS074", device(STORE, "pool p = ims[0..8] { dedicated; }")),
    ("IMS075", device(MSIX, "pool p = table[0..4] + table[4] { dedicated; }")),
    ("IMS075", device(MSIX, "pool p = table + table { dedicated; }")),
    ("IMS072", device(MSIX, "vector v = table[5];", "pool p = table[0..9] { dedicated; }")),
    ("IMS070", device("store m: msi;", "vector v = m[32];")),
    ("IMS074", device("store m: msi;", "pool p = m[32..] { dedicated; }")),
    ("IMS070", device(EXPORTED, "vector v = peer[16];")),
    ("IMS090", device("remapping optional;", EXPORTED, "vector v = peer[0];")),
    ("IMS090", device("remapping optional;", COMMAND, "pool p = c { dedicated; }")),
    ("IMS091", device(MSIX, "store m: msi;", "vector v = m[0];", "vector w = table[0];")),
    (
        "IMS067",
        device(
            MSIX,
            MSIX.replace("table", "other"),
            "vector v = other[0];",
            "vector x = table[0];",
        ),
    ),
    ("IMS092", memory("address_lo @0; data @4;", stride=20)),
    ("IMS093", memory("address_lo @0; data @8;")),
    ("IMS093", memory("address_lo @4; data @8;")),
    ("IMS093", memory("address @0; data @8;")),
    ("IMS093", memory("address @4; data @12;", stride=24)),
    ("IMS093", memory("address @0; data @8;", endian="big endian")),
    ("IMS093", memory("address_lo @0; data @4 width 16;")),
    ("IMS094", bits("mask_bits @0x2000;", control="mask bit 0;")),
    ("IMS095", tables("table offset 0 slots 1; slots 8;")),
    ("IMS096", tables("table offset 0x70 slots 8; table offset 0 slots 8;")),
    ("IMS096", bits("mask_bits @0x107c;")),
    ("IMS096", bits("mask_bits @0x2000; pending @0x2000;")),
    ("IMS051", tables("table offset 0x10_0000 slots 32768; table offset 0 slots 32769;")),
    ("IMS051", tables("table offset 0 slots 0;")),
    ("IMS050", tables("table offset 0x1_0000_0000 slots 1;")),
    ("IMS059", tables("table offset 0xffff_fff4 slots 1;")),
    ("IMS060", tables("table offset 2 slots 1;")),
    ("IMS060", bits("mask_bits @0x2002;")),
    ("IMS050", bits("mask_bits bar 6 @0x2000;")),
    ("IMS041", bits("")),
    ("IMS061", bits("", control="a bits 7:0 cookie optional;")),
    ("IMS041", device("remapping optional;", slot(*REGISTERS, control=""), "vector v = ims[0];")),
    ("IMS061", device(MEMORY.replace("mask bit 0;", ""), "vector v = q[0];")),
    ("IMS061", device(MEMORY.replace("mask bit 0;", ""), "pool p = q { share per cpu up to 8; }")),
    (
        "IMS097",
        bits("pending @0x2000;", control="a bits 7:0 cookie optional;")
        .replace("pci 1af4:1234;", "pci 1af4:1234; requires remapping;")
        .replace("bar 0;", "bar 0; unmaskable;"),
    ),
    ("IMS041", device("requires remapping;", slot(*REGISTERS, control=""), "vector v = ims[0];")),
    ("IMS090", device(UNMASKABLE, "vector v = ims[0];")),
    ("IMS090", device("remapping optional;", UNMASKABLE, "vector v = ims[0];")),
    (
        "IMS098",
        device(
            "requires remapping;",
            UNMASKABLE.replace("bar 0;", "bar 0; mask_bits @0x2000;"),
            "vector v = ims[0];",
        ),
    ),
    ("IMS106", device(MSIX, "pool p = table { share per cpu up to 8; cpus node; }")),
    ("IMS106", device(MSIX, "pool p = table { managed; cpus node; }")),
    ("IMS076", device(MSIX, "pool p = table { cpus node; }")),
    ("IMS121", device("requires 0 vectors;", MSIX, "vector v = table[0];")),
    (
        "IMS121",
        device(
            "requires 67585 vectors;",
            MSIX,
            COMMAND,
            "pool p = table { dedicated; }",
            "pool v = c { dedicated; }",
        ),
    ),
    ("IMS122", device("requires 9 vectors;", STORE, "vector v = ims[0];")),
    ("IMS122", device("requires 9 vectors;", MSIX, "vector v = table[7];")),
    (
        "IMS122",
        device(
            "requires 33 vectors;",
            "store m: msi;",
            "vector v = m[0];",
            "pool p = m[1..] { dedicated; }",
        ),
    ),
    ("IMS100", device(MSIX, "pool p = table { managed; dedicated; }")),
    ("IMS101", device(COMMAND, "pool p = c { managed; }")),
    ("IMS102", device(MSIX, "pool p = table[0..2047] { managed; }")),
    (
        "IMS103",
        device(MSIX, "pool p = table[4..] { managed; }", "pool q = table[3] { dedicated; }"),
    ),
    ("IMS104", device(MSIX, "pool p = table { dedicated; reserve 1; }")),
    (
        "IMS105",
        device(MSIX, "pool p = table[1..4] { share per cpu up to 8; dedicated; reserve 5; }"),
    ),
    ("IMS105", device(MSIX, "pool p = table { share per cpu up to 8; dedicated; reserve 0; }")),
    ("IMS110", sub("max 0 { vector p; }")),
    ("IMS110", sub("max 65537 { vector p; }")),
    ("IMS111", sub("max 1 { }")),
    ("IMS112", sub("max 1 { vector q; }")),
    ("IMS113", sub("max 1 { vector p; vectors p 1..2; }")),
    ("IMS114", sub("max 1 { vectors p 0..2; }")),
    ("IMS114", sub("max 1 { vectors p 3..2; }")),
    ("IMS114", sub("max 1 { vectors p 1..65537; }")),
    ("IMS115", sub("max 1 { vector p; }", "table { managed; }")),
    ("IMS116", sub("max 1 { vectors p 7..8; }", "table[0..5] { dedicated; }")),
    ("IMS118", sub("max 4 { vectors p 2..8; }", "table[0..6] { dedicated; }")),
    ("IMS120", device("architecture x86_32;", STORE, "vector v = ims[0];")),
    (
        "IMS084",
        device("store ims: iomem { bar 0; offset 0; slots 8; slot a; }", "vector v = ims[0];"),
    ),
    ("IMS085", LAYOUT + GOOD),
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
    ("IMS071", last("vector v = ims[7];", "pool p = ims[0..3] { dedicated; }")),
    ("IMS071", last("vector v[4] = ims[4..7];", "pool p = ims[0..3] { dedicated; }")),
    ("IMS072", last("pool p = ims[7..] { dedicated; }")),
    ("IMS072", last("pool p = ims[0..3] + ims[7] { dedicated; }")),
    ("IMS105", last("pool p = ims { share per cpu up to 8; dedicated; reserve 8; }")),
    ("IMS116", last("pool p = ims { dedicated; }", "subdevice s max 1 { vectors p 8..8; }")),
    ("IMS107", device("store m: msi;", "vector v = m[1];", "pool p = m[0] { dedicated; }")),
    (
        "IMS107",
        device("store m: msi;", "pool p = m[0] { dedicated; }", "pool q = m[1..3] { dedicated; }"),
    ),
    ("IMS045", "device foo { }"),
    ("IMS005", "# nothing"),
]


FINE += [
    last("pool p = ims { share per cpu up to 8; dedicated; reserve 7; }"),
    last("pool p = ims[0..6] { dedicated; }"),
    last("pool p = ims { dedicated; }", "subdevice s max 1 { vectors p 7..7; }"),
    device("store m: msi;", "pool p = m[0] { dedicated; }"),
]


@pytest.mark.parametrize("text", FINE)
def test_fine(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(("code", "text"), WRONG)
def test_wrong(code: str, text: str) -> None:
    """The one finding, and nothing that only follows from it."""
    assert codes(text) == [code]


def test_c_keywords() -> None:
    for word in C_KEYWORDS:
        assert codes(device(MSIX, f"pool {word} = table {{ dedicated; }}")) == ["IMS022"], word


def test_kernel_names() -> None:
    for word in KERNEL_NAMES:
        assert codes(device(MSIX, f"vector {word} = table[0];")) == ["IMS023"], word


def test_kernel_prefixes() -> None:
    for word in KERNEL_PREFIXES:
        assert codes(device(MSIX, "vector v = table[0];", name=word)) == ["IMS023"], word
        assert codes(device(MSIX, f"vector {word} = table[0];")) == [], word


def test_rules_are_registered() -> None:
    """A rule that isn't in the lists would never run."""
    from imsgen.dsl import rules
    from imsgen.dsl.rules import device, names, platform, pools, slots, stores, texts, vectors

    written = {
        value
        for module in (device, names, platform, pools, slots, stores, texts, vectors)
        for name, value in vars(module).items()
        if re.match(r"(?:[a-z]+_)?rule_", name)
    }
    listed = [value for name, value in vars(rules).items() if name.endswith("_RULES")]
    assert written == {rule for value in listed for rule in value}
    assert all(rule.__doc__ for rule in written)
