"""The grammar's own corpus: what it takes, what it doesn't, and that names are free."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from dsl_samples import EVERYTHING, EXAMPLES, GOOD, MSIX, STORE, device, slot
from lark import Lark, Token, Tree, logger

from imsgen.dsl import kinds, load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.recover import read
from imsgen.dsl.rules.words import C_KEYWORDS, KERNEL_NAMES, KERNEL_PREFIXES
from imsgen.dsl.source import Source
from imsgen.dsl.tokens import OWN_TEXT, grammar_text, keywords, signs

REGISTERS = ("address_lo @0;", "address_hi @4;", "data @8;")

#: A store whose layout stands by itself.
NAMED = """\
device foo {
    pci 1af4:1234;
    store ims: iomem { bar 0; offset 0; slots 8; slot family_slot; }
    vector a1 = ims[0];
}
slot family_slot 16 little endian {
    address_lo @0; address_hi @4; data @8; control @12 { mask bit 0; }
}
"""

VALID = {
    "good": GOOD,
    "everything": EVERYTHING,
    "title": GOOD.replace("foo {", 'foo "A title" {'),
    "one line": GOOD.replace("\n", " "),
    "no blanks": "device foo{pci 1af4:1234;store table:msix;vector misc=table[0];}",
    "crlf": GOOD.replace("\n", "\r\n"),
    "tabs": GOOD.replace("    ", "\t"),
    "no line end": GOOD.rstrip(),
    "bom": "\ufeff" + GOOD,
    "comments": GOOD.replace(";", "; # a { \" ' }\n // *\n"),
    "comment at the end": GOOD + "# the end",
    "foreign comment": GOOD + "# täglich, ежедневно\n",
    "two devices": GOOD
    + device(
        MSIX, "vector misc = table[0];", name="bar", pci="pci 1:2;"[:0] + "    pci 1af4:1235;\n"
    ),
    "class only": device(MSIX, "vector misc = table[0];", pci="    pci class 0c0330;\n"),
    "upper hex": device(MSIX, "vector misc = table[0];", pci="    pci 1AF4:10FF;\n"),
    "digits only": device(MSIX, "vector misc = table[0];", pci="    pci 1234:5678;\n"),
    "hex letter first": device(MSIX, "vector misc = table[0];", pci="    pci abcd:ef01;\n"),
    "vector before store": device("vector misc = table[0];", MSIX),
    "contexts": device(
        MSIX,
        "vector a = table[0] hard;",
        'vector b = table[1] "b" threaded;',
        "vector c = table[2] oneshot;",
    ),
    "ranges": device(
        MSIX,
        STORE,
        "pool a = table[1] + table[2..3] + table[5..] + ims { dedicated; }",
    ),
    "policies": device(
        MSIX,
        "pool a = table[0] { share per cpu up to 1; }",
        'pool b = table[1] "b" { dedicated; }',
        "pool c = table[2..] { dedicated; share per cpu up to 65536; }",
    ),
    "numbers": GOOD.replace("slots 8", "slots 65_536").replace("0x1000", "0XFF00_0000"),
    "any order": device(slot(*reversed(REGISTERS)), "vector misc = ims[0];"),
    "padding": device(slot("data @60;", "address_lo @20;", stride=64), "vector a = ims[7];"),
    "wide": device(slot("address @0;", "data @8 width 16;"), "vector misc = ims[0];"),
    "narrow address": device(slot("address @0 width 32;", "data @8;"), "vector misc = ims[0];"),
    "big": device(slot(*REGISTERS, endian="big endian"), "vector misc = ims[0];"),
    "little": device(slot(*REGISTERS, endian="little endian"), "vector misc = ims[0];"),
    "narrow control": device(
        slot(*REGISTERS, "control @14 width 16 { mask bit 15; }", control=""),
        "vector misc = ims[0];",
    ),
    "polarity": device(slot(*REGISTERS, control="mask bit 31 active low;"), "vector a = ims[0];"),
    "cookies": device(
        slot(
            *REGISTERS,
            control="mask bit 0; queue bits 7:4 cookie; pasid bits 31:12 cookie optional; "
            "pasid_enable bit 1; queue_enable bit 2;",
        ),
        "pool a = ims { dedicated; }",
    ),
    "runtime": GOOD.replace("offset 0x1000", "offset runtime").replace(
        "slots 8", "slots runtime max 8"
    ),
    "remapping": device("requires remapping;", STORE, "vector misc = ims[0];"),
    "no remapping": device("remapping optional;", STORE, "vector misc = ims[0];"),
}

VALID |= {
    "named layout": NAMED,
    "named layout for two": NAMED
    + NAMED.partition("slot family_slot 16")[0].replace("foo", "bar").replace("1234", "1235"),
    "msi": device("store m: msi;", "vector a = m[31];"),
    "memory": device(
        "store q: memory { slots runtime max 4096; slot 16 { address_lo @0; data @4; "
        "address_hi @8; control @12 { mask bit 0; } } }",
        "vector a = q[0];",
    ),
    "memory, big endian": device(
        "store q: memory { slots 64; slot 24 big endian { data @8; address_lo @12; "
        "control @0 { mask bit 0; } } }",
        "vector a = q[63];",
    ),
    "command": device("store c: command { slots 8; }", "vector a = c[0];"),
    "command with cookies": device(
        "requires remapping;",
        "store c: command { slots runtime max 65536; cookie queue; cookie pasid optional; }",
        "pool p = c { dedicated; }",
    ),
    "exported": device("store peer: exported { slots 16; }", "vector a = peer[15];"),
    "tables": device(
        STORE.replace("offset 0x1000;", "table offset 0x100 slots 16;").replace(
            "slots 8;", "table offset 0x800 slots 48;"
        ),
        "vector a = ims[63];",
    ),
    "mask array": device(
        slot(*REGISTERS, control="").replace("bar 0;", "bar 0; mask_bits @0x400;"),
        "vector a = ims[0];",
    ),
    "mask array and cookie": device(
        slot(*REGISTERS, control="queue bits 7:0 cookie;").replace(
            "bar 0;", "bar 0; mask_bits bar 2 @0x400 active low; pending bar 2 @0x500;"
        ),
        "pool a = ims { dedicated; }",
    ),
    "pending": device(
        slot(*REGISTERS).replace("bar 0;", "bar 0; pending @0x500;"), "vector a = ims[0];"
    ),
    "least loaded": device(MSIX, "pool a = table { share least loaded up to 64; }"),
    "reserve": device(MSIX, "pool a = table { share per cpu up to 8; dedicated; reserve 4; }"),
    "managed": device(MSIX, "vector a = table[0];", "pool io = table[1..] { managed; }"),
    "managed over msi": device("store m: msi;", "pool io = m { managed; }"),
    "subdevice": device(
        MSIX,
        "pool ctrl = table[0..7] { share per cpu up to 8; }",
        "pool comp = table[8..] { share least loaded up to 64; dedicated; }",
        "subdevice sf max 1024 { vector ctrl; vectors comp 1..256; }",
    ),
    "architecture": device("architecture x86_64;", MSIX, "vector a = table[0];"),
    "architectures": device("architecture x86_64, arm64,riscv;", MSIX, "vector a = table[0];"),
}

INVALID = {
    "include without quotes": "include family.ims;" + GOOD,
    "layout without name": "slot 16 { data @0; }" + GOOD,
    "layout without stride": NAMED.replace("family_slot 16", "family_slot"),
    "named slot with block": NAMED.replace("slot family_slot;", "slot family_slot { }"),
    "include inside": device('include "family.ims";', MSIX, "vector a = table[0];"),
    "command without block": device("store c: command;", "vector a = c[0];"),
    "exported without block": device("store c: exported;", "vector a = c[0];"),
    "memory with a bar": device("store q: memory { bar 0; slots 8; }", "vector a = q[0];"),
    "table without slots": GOOD.replace("slots 8;", "table offset 0;"),
    "mask bits without place": GOOD.replace("bar 0;", "bar 0; mask_bits;"),
    "pending active low": GOOD.replace("bar 0;", "bar 0; pending @0 active low;"),
    "cookie in an exported store": device(
        "store c: exported { slots 8; cookie a; }", "vector a = c[0];"
    ),
    "share by both": device(MSIX, "pool a = table { share per cpu least loaded up to 8; }"),
    "reserve without number": device(MSIX, "pool a = table { dedicated; reserve; }"),
    "subdevice without maximum": device(MSIX, "subdevice sf { }"),
    "vectors without range": device(MSIX, "subdevice sf max 8 { vectors comp; }"),
    "architecture without name": device("architecture;", MSIX, "vector a = table[0];"),
    "architectures without comma": device("architecture a b;", MSIX, "vector a = table[0];"),
    "statement outside": "pci 1af4:1234;",
    "no name": "device { }",
    "two names": "device foo bar { }",
    "title first": 'device "Foo" foo { }',
    "no block": "device foo;",
    "glued keyword": "devicefoo { }",
    "glued store": device("storetable: msix;", "vector misc = table[0];"),
    "glued number": GOOD.replace("bar 0;", "bar0;"),
    "store without kind": device("store table;", "vector misc = table[0];"),
    "iomem without block": device("store ims: iomem;", "vector misc = ims[0];"),
    "range with three dots": device(MSIX, "pool a = table[1...] { dedicated; }"),
    "range without start": device(MSIX, "pool a = table[..4] { dedicated; }"),
    "vector with range": device(MSIX, "vector a = table[1..2];"),
    "vector without index": device(MSIX, "vector a = table;"),
    "purpose behind context": device(MSIX, 'vector a = table[0] hard "purpose";'),
    "two contexts": device(MSIX, "vector a = table[0] hard threaded;"),
    "share without cpu": device(MSIX, "pool a = table { share up to 8; }"),
    "negative": GOOD.replace("bar 0", "bar -1"),
    "class and id": device(MSIX, "vector a = table[0];", pci="pci class 1af4:1234;"),
    "no colon": device(MSIX, "vector a = table[0];", pci="pci 1af4 1234;"),
    "blank in id": device(MSIX, "vector a = table[0];", pci="pci 1af4: 1234;"),
    "string glued": 'device foo "a" "b" { }',
    "plus first": device(MSIX, "pool a = + table { dedicated; }"),
    "plus last": device(MSIX, "pool a = table + { dedicated; }"),
    "bits with one number": device(slot(*REGISTERS, control="mask bit 0; a bits 3 cookie;")),
    "mask bits": device(slot(*REGISTERS, control="mask bits 3:2;"), "vector a = ims[0];"),
    "endian missing": device(slot(*REGISTERS, endian="big"), "vector a = ims[0];"),
    "upper keyword": GOOD.replace("bar 0", "BAR 0"),
    "full stop": GOOD + ".",
}


@pytest.mark.parametrize("name", VALID)
def test_valid(name: str) -> None:
    result = load("corpus.ims", VALID[name].encode())
    assert result.devices, render(result.diagnostics)
    assert result.ok


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str) -> None:
    result = load("corpus.ims", INVALID[name].encode())
    assert not result.devices
    assert not result.ok


TEXT = grammar_text()
WORDS = sorted(keywords())
FREE = [word for word in WORDS if word not in C_KEYWORDS | KERNEL_NAMES]


def test_every_word_is_free_as_a_name() -> None:
    """A pool can be called `share`, a store `pool`, a vector `hard`, a cookie `bit`."""
    for text in (text for word in FREE for text in named(word)):
        result = load("names.ims", text.encode())
        assert result.devices, render(result.diagnostics)


def named(word: str) -> Iterator[str]:
    """Layouts with a word as the name of everything that has one."""
    other = "b" if word == "a" else "a"
    cookie = "" if word == "mask" else f"{word} bits 31:12 cookie optional; {word}_enable bit 3; "
    control = f"{cookie}mask bit 0;"
    msix, store = ("    store a1: msix;\n", "a1") if word == "table" else (MSIX, "table")
    yield device(msix, f"pool {word} = {store} {{ dedicated; share per cpu up to 4; }}")
    yield device(msix, f"vector {word} = {store}[0] {other!r} hard;".replace("'", '"'))
    yield device(f"store {word}: msix;", f"vector a1 = {word}[0];")
    yield device(slot(*REGISTERS, control=control), "vector a1 = ims[0];")
    yield NAMED.replace("family_slot", word)
    yield device(f"store c: command {{ slots 8; cookie {word}; }}", "pool p = c { dedicated; }")
    yield device(
        msix,
        f"pool {word} = {store} {{ dedicated; }}",
        f"subdevice a2 max 8 {{ vectors {word} 1..4; }}",
    )
    if word not in KERNEL_PREFIXES:
        yield device(msix, f"vector v = {store}[0];", name=word)


def test_a_word_is_read_whole() -> None:
    result = load("words.ims", device(MSIX, "vector storey = table[0];").encode())
    assert [vector.name for vector in result.devices[0].vectors] == ["storey"]


def said(text: str) -> str:
    """What Lark logs of a grammar. It resolves shift/reduce conflicts silently."""
    level, stream = logger.level, io.StringIO()
    handler = logging.StreamHandler(stream)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        Lark(text, parser="lalr", debug=True)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return stream.getvalue().lower()


def test_no_conflicts() -> None:
    assert "conflict" not in said(TEXT)


def test_conflicts_would_be_seen() -> None:
    """The test above can fail: a grammar with a conflict says so in this way."""
    assert "conflict" in said('start: start start | A\nA: "a"')


@pytest.fixture(scope="module")
def lark() -> Lark:
    """Lark with its own lexer."""
    return Lark(TEXT, parser="lalr", keep_all_tokens=True, maybe_placeholders=False)


def test_every_terminal_is_named(lark: Lark) -> None:
    """Lark calls a terminal that has no name `__ANON_0` or after its sign."""
    names = {term.name for term in lark.terminals}
    for name in names:
        assert f"\n{name}: " in TEXT, name
    assert not any(word.upper() != name for word, name in keywords().items())
    own = {*keywords().values(), *signs().values(), *OWN_TEXT}
    assert names - own == {"BAD", "WHITE", "COMMENT"}


@pytest.mark.parametrize("text", [*VALID.values(), *(p.read_text() for p in EXAMPLES)])
def test_lark_reads_the_same_tree(text: str, lark: Lark) -> None:
    """Our tokens and Lark's own give the same tree of every valid text, token for token."""
    text = text.removeprefix("\ufeff")
    ours, found = read(Source("tree.ims", text), text)
    assert not found
    theirs = lark.parse(text)
    assert ours == theirs

    def places(tree: Tree[Token]) -> list[tuple[str, int | None, int | None]]:
        tokens = tree.scan_values(lambda value: isinstance(value, Token))
        return [(item.type, item.start_pos, item.end_pos) for item in tokens]

    assert places(ours) == places(theirs)


def test_a_place_may_have_a_word_of_another_statement() -> None:
    assert '\nSELECT: "select"' in kinds.grammar("")
    assert "\nSELECT:" not in kinds.grammar('\nSELECT: "select"\n')
