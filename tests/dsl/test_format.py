"""The formatter: one form, nothing said otherwise, no comment lost, and the same form again."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from dsl_goldens import golden
from dsl_samples import BAD, EVERYTHING, EXAMPLES, GOOD, ROOT, device
from hypothesis import given, settings
from hypothesis import strategies as st

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.format import WIDTH, format_text
from imsgen.dsl.kinds import KINDS, StoreKind
from imsgen.dsl.model import to_json

PAIRS = sorted(Path(__file__).with_name("format").glob("*.ims"))
LAYOUTS = sorted((ROOT / "tests" / "layouts").glob("*.ims"))
COMMENT = re.compile(r'"[^"\n]*"|((?:#|//)[^\n]*)')
TOKEN = re.compile(r'"[^"\n]*"|\.\.|\w+:\w+|\w+|[^\s\w]')


def formatted(text: str, name: str = "some.ims") -> str:
    made = format_text(name, text.encode()).text
    assert made is not None
    return made


def comments(text: str) -> list[str]:
    """All comments, found by other means than the formatter's."""
    return [item.rstrip() for item in COMMENT.findall(text) if item]


def said(text: str, name: str = "some.ims") -> object:
    """The models of a file, without places."""
    result = load(name, text.encode())
    assert result.ok, render(result.diagnostics)

    def bare(value: object) -> object:
        if isinstance(value, dict):
            return {key: bare(item) for key, item in value.items() if key != "span"}
        return [bare(item) for item in value] if isinstance(value, list) else value

    return bare(to_json(result.devices))


def check(text: str, name: str = "some.ims") -> str:
    """Format, and hold the result to all that is promised."""
    made = formatted(text, name)
    assert said(made, name) == said(text, name)
    assert comments(made) == comments(text)
    assert formatted(made, name) == made
    assert made.endswith("\n") and "\n\n\n" not in made
    for line in made.splitlines():
        assert line == line.rstrip() and "\t" not in line.split("#")[0].split("//")[0]
    return made


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_pairs(path: Path) -> None:
    """Each file beside what becomes of it."""
    made = format_text(str(path), path.read_bytes())
    if made.text is None:
        assert path.stem == "other"  # nothing in it to format
        return
    golden(path.with_suffix(".out"), made.text)
    assert format_text(str(path), made.text.encode()).text == made.text
    assert comments(made.text) == comments(path.read_text())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_written_so(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert check(text, str(path)) == text


@pytest.mark.slow
@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_layouts(path: Path) -> None:
    check(path.read_text(encoding="utf-8"), str(path))


def test_width() -> None:
    """Only what can't be broken is longer than a line."""
    path = next(path for path in PAIRS if path.stem == "long")
    made = check(path.read_text(encoding="utf-8"))
    assert all(len(line) <= WIDTH for line in made.splitlines())


def test_line_ends_and_a_byte_order_mark() -> None:
    text = GOOD.replace(";", "; # a\t comment", 1)
    made = formatted("\ufeff" + text.replace("\n", "\r\n"))
    assert made == formatted(text)
    assert "\r" not in made and "\ufeff" not in made and "; # a\t comment\n" in made


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=() if "layout" in path.stem else pytest.mark.slow)
        for path in sorted(BAD.glob("*.ims"))
    ],
)
def test_no_bad_file_is_formatted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    made = format_text(path.name, path.read_bytes())
    assert render(made.result.diagnostics) == path.with_suffix(".txt").read_text("utf-8")
    if path.stem == "layout-no-device":
        # Right as an included file, which can't be told by looking at it alone.
        assert made.text is not None
    else:
        assert made.text is None


# --- random layouts ---------------------------------------------------------------------------

#: What may stand between two tokens; several times what is common.
GAPS = ["", "", "", " ", " ", "\n", "\n\n\n", "\t", "\r\n"]
NOTES = ["#", "# one", "//two", "# a ; { } \" '  ", "// device x {", "#\ttab", "# Ä"]
SEEDS = st.integers(0, 2**32)


def random_store(chance: random.Random, kind: StoreKind) -> str:
    """A store called `s` of that kind, with 8 indexes or more."""
    if kind.is_pci:
        return f"store s: {kind.word};"
    count = chance.randint(8, 64)
    parts = [chance.choice([f"slots {count};", f"slots runtime max {count:#X};"])]
    if "command_cookie" in kind.statements:
        parts += chance.choice([[], ["cookie queue optional;"], ["cookie pasid optional;"]])
    if "slot" in kind.words:
        fields = ["mask bit 0;", *chance.choice([[], ["q bits 31:12 cookie optional;"]])]
        fields += chance.choice(
            [[], ["m bit 3 set;", "t bits 6:4 = 0X5;", "p bit 7 cookie optional;"]]
        )
        if kind.platform:
            fields = [field for field in fields if "cookie" not in field]
        registers = ["address_lo @0;", "data @4;", "address_hi @8;"]
        registers.append(f"control @12 {{ {shuffled(chance, fields)} }}")
        endian = chance.choice(["", "big endian", "little endian"])
        parts.append(f"slot 16 {endian} {{ {shuffled(chance, registers)} }}")
    if "bar" in kind.words:
        parts.append(f"bar {chance.randint(0, 5)};")
    if "offset" in kind.words:
        offset = chance.choice(["0", "0x1_000", "runtime", "runtime max 0X2000"])
        parts.append(f"offset {offset};")
    # Behind the slots, and as far from each other as none of them is long.
    parts += [f"{place.word} @0x{at}_000;" for at, place in enumerate(kind.places, 2)]
    return f"store s: {kind.word} {{ {shuffled(chance, parts)} }}"


def random_device(chance: random.Random, number: int) -> str:
    """The text of a device without errors."""
    one, two, three = chance.sample(["a", "rx", "slot", "bar", "wq_1", "active", "x" * 24], 3)
    purpose = chance.choice(["", '"a purpose"', '"with # and // and ; and {"'])
    context = chance.choice(["", "hard", "threaded", "oneshot"])
    ranges = chance.choice(["s[1..5]", "s[1..2] + s[4]", "s[6]+s[1 ..3]"])
    policy = shuffled(chance, ["dedicated;", "share least loaded up to 8;", "cpus node;"])
    kind = chance.choice(KINDS)
    store = random_store(chance, kind)
    ids, more = f"pci 1AF4:{number:04X};", ["requires remapping;"]
    if kind.platform:
        context = context.replace("threaded", "oneshot")
        ids, more = f'platform "vendor,d{number}";', ['acpi "ABCD000F";']
    parts = [
        ids,
        store,
        f"vector {one} = s[0] {purpose} {context};",
        f"pool {two} = {ranges} {purpose} {{ {policy} }}",
        *chance.choice([[], [f"subdevice {three} max 9 {{ vectors {two} 1..2; }}"]]),
        *chance.choice([[], more, ["architecture arm64;"]]),
    ]
    return f"device d{number} {{ {shuffled(chance, parts)} }}"


def shuffled(chance: random.Random, parts: list[str]) -> str:
    return " ".join(chance.sample(parts, len(parts)))


def mangled(chance: random.Random, text: str) -> str:
    """A text with other blanks, line ends and comments between its tokens."""
    plain, noted = chance.choice([(0.5, 0.0), (0.9, 0.05), (0.5, 0.3)])
    out = []
    previous = ""
    for token in TOKEN.findall(COMMENT.sub(_no_comment, text)):
        gap = " " if chance.random() < plain else chance.choice(GAPS)
        while chance.random() < noted:
            gap += chance.choice(["", " ", "\n"]) + chance.choice(NOTES) + "\n"
        if not gap and re.fullmatch(r"\w\w", previous[-1:] + token[:1]):
            gap = " "
        out += [gap, token]
        previous = token
    return "".join(out) + chance.choice(["", "\n", "# end", "\n\n# end\n\n"])


def _no_comment(match: re.Match[str]) -> str:
    return "" if match.group(1) else match.group()


def check_random(seed: int) -> None:
    chance = random.Random(seed)
    check(mangled(chance, "\n".join(random_device(chance, n) for n in range(chance.randint(1, 2)))))


@settings(deadline=None, max_examples=10, derandomize=True)
@given(SEEDS)
def test_random_layouts(seed: int) -> None:
    check_random(seed)


@pytest.mark.slow
@settings(deadline=None, max_examples=1000, derandomize=True)
@given(SEEDS)
def test_many_random_layouts(seed: int) -> None:
    check_random(seed)


@pytest.mark.slow
@settings(deadline=None, max_examples=60, derandomize=True)
@given(SEEDS, st.sampled_from([EVERYTHING, GOOD, *(path.read_text() for path in LAYOUTS)]))
def test_everything_mangled(seed: int, text: str) -> None:
    check(mangled(random.Random(seed), text))


@pytest.mark.slow
@settings(deadline=None, max_examples=60, derandomize=True)
@given(SEEDS, st.sampled_from([path.read_text() for path in EXAMPLES]))
def test_examples_mangled(seed: int, text: str) -> None:
    check(mangled(random.Random(seed), text), str(EXAMPLES[0].with_name("mangled.ims")))


def test_blank_lines_stay_where_they_are_asked_for() -> None:
    made = formatted(device("store table: msix;", "\n\n", "vector v = table[0];", "\n"))
    assert made.count("\n\n") == 1 and made.endswith(";\n}\n")
