"""What an editor asks of a text: each answer right, and an answer everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dsl_samples import EVERYTHING, EXAMPLES, GOOD, ROOT
from lark import Token

from imsgen.dsl import load
from imsgen.dsl.editor.completion import complete
from imsgen.dsl.editor.fixes import fixes
from imsgen.dsl.editor.hover import hover
from imsgen.dsl.editor.symbols import Edit, RenameError, apply, rename, symbol_at, symbols
from imsgen.dsl.explain import EXAMPLES as EXPLAINED
from imsgen.dsl.model import to_json
from imsgen.dsl.recover import read
from imsgen.dsl.source import Source
from imsgen.dsl.tokens import keywords

LAYOUTS = sorted((ROOT / "tests" / "layouts").glob("*.ims"))
PATHS = EXAMPLES + LAYOUTS


def tokens(text: str) -> list[Token]:
    tree, found = read(Source("some.ims", text), text)
    assert not found
    return list(tree.scan_values(lambda item: isinstance(item, Token)))


# --- completion -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_word_is_proposed_where_it_stands(path: Path) -> None:
    """Whatever a file says: at the place before it, its next word is among the completions."""
    text = path.read_text(encoding="utf-8")
    known = keywords().values()
    for token in tokens(text):
        start = token.start_pos or 0
        if token.type in known:
            found = [
                item.text for item in complete(str(path), text, start) if item.kind == "keyword"
            ]
            assert str(token) in found, text[:start]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_name_is_proposed_where_it_is_used(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    uses = [
        (symbol, span)
        for symbol in symbols(str(path), text.encode())
        for span in symbol.uses
        if symbol.kind != "cookie" and span.source.name == str(path)
    ]
    for symbol, span in uses:
        for at in (span.start, span.start + 1):
            found = [
                item.text for item in complete(str(path), text, at) if item.kind == symbol.kind
            ]
            assert symbol.name in found, text[: span.start]


def test_names_are_those_of_the_device() -> None:
    text = GOOD + GOOD.replace("foo", "bar").replace("ims", "other")
    at = text.rindex("other[0]")
    assert [item.text for item in complete("x.ims", text, at)] == ["other"]
    at = text.index("ims[0]")
    assert [item.text for item in complete("x.ims", text, at)] == ["ims"]


@pytest.mark.parametrize(
    "text", ["# sto", 'device foo "sto', "// sto", "device foo {{{{" + "{" * 20]
)
def test_nothing_is_proposed(text: str) -> None:
    assert complete("x.ims", text, len(text)) == []


@pytest.mark.slow
@pytest.mark.parametrize("text", [EVERYTHING, GOOD])
def test_an_answer_everywhere(text: str) -> None:
    raw = text.encode()
    for at in range(0, len(text) + 1, 29):
        hover("x.ims", raw, at)
        symbol_at("x.ims", raw, at)
        complete("x.ims", text, at)
        complete("x.ims", text[:at], at)


# --- hover ------------------------------------------------------------------------------------

SPLIT = """\
device split {
    pci 8086:0001;
    store table: msix;
    store ims: iomem {
        bar 1;
        table offset 0x100 slots 16;
        table offset 0x800 slots 48;
        mask_bits bar 2 @0x400;
        slot 16 { address @0; data @8; control @12 { queue bits 15:4 cookie optional; } }
    }
    vector v = ims[17] threaded;
    vector a[4] = ims[20..23];
    vector e = ims[last];
    vector r = table[runtime max 0];
    vector w = v "too" hard;
    pool p = table[1..4] + ims[0..16] { share per cpu up to 2; }
    subdevice s max 3 { vector p; }
}
"""


@pytest.mark.parametrize(
    ("mark", "wanted"),
    [
        (
            "v = ims",
            [
                "index 17 of `ims`, threaded",
                "bytes 0x810 to 0x81f of BAR 1",
                "bit 17 of 0x400 of BAR 2",
            ],
        ),
        ("a[4]", ["indexes 20 to 23 of `ims`, hard", "bytes 0x840 to 0x84f of BAR 1"]),
        ("e = ims", ["the last index of `ims`, hard"]),
        ("r = table", ["the index that the driver passes, up to 0, of `table`, hard"]),
        ("w = v", ["the interrupt of `v`, hard"]),
        (
            "ims[0..16]",
            ["17 indexes of `ims` at most: 0 to 16", "16: bytes 0x800 to 0x80f of BAR 1"],
        ),
        ("table[1..4]", ["4: bytes 0x40 to 0x4f of the MSI-X table"]),
        ("pool p", ["21 vectors at most, up to 42 users", "vectors 4 to 20: `ims` 0 to 16"]),
        ("table offset 0x800", ["indexes 16 to 63 of `ims`: bytes 0x800 to 0xaff of BAR 1"]),
        ("mask_bits", ["bytes 0x400 to 0x407 of BAR 2: 2 words of 32 bits"]),
        (
            "data @8",
            ["bytes 0x8 to 0xb of each slot of `ims`", "63: bytes 0xaf8 to 0xafb of BAR 1"],
        ),
        ("queue bits", ["mask `0x0000fff0`", "values 0 to 0xfff (12 bits)"]),
        ("store ims", ["64 slots of 16 bytes, 1,024 bytes", "slots in BAR 1, in 2 tables"]),
        ("store table", ["up to 2,048 entries"]),
        ("subdevice s", ["up to 3, each", "- 1 of `p`, from 0"]),
    ],
)
def test_hover(mark: str, wanted: list[str]) -> None:
    found = hover("x.ims", SPLIT.encode(), SPLIT.index(mark) + 1)
    assert found is not None
    for part in wanted:
        assert part in found[0], found[0]
    assert found[1].start <= SPLIT.index(mark) + 1 <= found[1].end


def test_no_numbers_of_what_is_wrong() -> None:
    assert hover("x.ims", SPLIT.replace("bar 1", "bar 9").encode(), SPLIT.index("pool p")) is None


# --- names ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_rename_everything() -> None:
    """Each name to another and back: the same text; and all uses go along."""
    raw = EVERYTHING.encode()
    seen = set()
    for symbol in symbols("x.ims", raw):
        seen.add(symbol.kind)
        at = symbol.definition.start
        edits = rename("x.ims", raw, at, "zz9")
        made = apply(raw, edits)
        assert load("x.ims", made).ok
        assert len(edits) == 1 + len(symbol.uses)
        moved = at + sum(len(e.text) - (e.end - e.start) for e in edits if e.start < at)
        assert apply(made, rename("x.ims", made, moved, symbol.name)) == raw
    assert seen == {"device", "store", "vector", "pool", "subdevice", "layout", "cookie"}


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_renamed_models_differ_by_the_name_only(path: Path) -> None:
    raw = path.read_bytes()
    for symbol in symbols(str(path), raw):
        if symbol.definition.source.name != str(path) or symbol.kind == "layout":
            continue
        made = load(path, apply(raw, rename(str(path), raw, symbol.definition.start, "zz9")))
        before, after = str(_bare(to_json(load(path, raw).devices))), str(
            _bare(to_json(made.devices))
        )
        assert before != after
        assert len(before) - len(after) == (len(symbol.name) - 3) * (
            len(re.findall(r"'zz9'", after))
        )


def _bare(value: object) -> object:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key != "span"}
    return [_bare(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("new", "words"),
    [("Bad", "can't name"), ("int", "keyword of C"), ("ims", "used"), ("", "`"), ("a b", "`")],
)
def test_names_that_are_refused(new: str, words: str) -> None:
    with pytest.raises(RenameError, match=words):
        rename("x.ims", GOOD.encode(), GOOD.index("misc"), new)


def test_no_name_there() -> None:
    with pytest.raises(RenameError, match="no name"):
        rename("x.ims", GOOD.encode(), GOOD.index("bar 0"), "a")
    layouts = b"slot ring 8 { address_lo @0; data @4; }\n"
    with pytest.raises(RenameError, match="include this one"):
        rename("x.ims", layouts, layouts.index(b"ring"), "other")


def test_edits() -> None:
    assert apply("äb".encode(), [Edit(0, 1, "x"), Edit(2, 2, "!")]) == b"xb!"


# --- fixes ------------------------------------------------------------------------------------

#: What is offered for the examples of `imsgen explain`.
OFFERED = {
    "IMS004": "Remove this",
    "IMS007": "Close the text",
    "IMS011": "Insert `;`",
    "IMS013": "Remove this",
    "IMS015": "Change to `vector`",
    "IMS016": "Make it a comment",
    "IMS022": "Rename to `register_p`",
    "IMS023": "Rename to `current_p`",
    "IMS027": "Change to `table`",
    "IMS030": "Remove the blanks",
    "IMS040": "Remove this",
    "IMS047": "Remove this",
    "IMS048": "Remove this",
    "IMS084": "Change to `ring`",
    "IMS133": "Change to `misc`",
    "IMS090": "Remove this",
    "IMS106": "Remove this",
    "IMS120": "Change to `x86_64`",
    "IMS098": "Remove this",
}

#: Bad examples that are one text of one file, by their codes.
PLAIN = {
    code: example.bad
    for code, example in EXPLAINED.items()
    if isinstance(example.bad, str) and not (example.bad_files or example.shown)
}


@pytest.mark.parametrize("code", PLAIN)
def test_fixes(code: str) -> None:
    """Each fix takes its finding away, and brings no other."""
    raw = PLAIN[code].encode()
    found = fixes("foo.ims", raw)
    assert [fix.title for fix in found] == ([OFFERED[code]] if code in OFFERED else [])
    for fix in found:
        assert load("foo.ims", apply(raw, fix.edits)).ok


def test_fixes_give_what_was_meant() -> None:
    for code in ("IMS007", "IMS011", "IMS015", "IMS027", "IMS030", "IMS084", "IMS120"):
        example = EXPLAINED[code]
        assert isinstance(example.bad, str)
        (fix,) = fixes("foo.ims", example.bad.encode())
        assert apply(example.bad.encode(), fix.edits).decode() == example.good


def test_an_include_that_is_misspelt(tmp_path: Path) -> None:
    example = EXPLAINED["IMS001"]
    for name, text in example.bad_files.items():
        tmp_path.joinpath(name).write_text(text)
    assert isinstance(example.bad, str)
    (fix,) = fixes(str(tmp_path / "foo.ims"), example.bad.encode())
    assert apply(example.bad.encode(), fix.edits).decode() == example.good
