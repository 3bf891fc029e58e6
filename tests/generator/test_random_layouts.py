"""What the checker passes is made: random layouts, and every layout in a document.

What is made is compared with a model of its own, computed from the text of the layout and nothing
else: the bytes and bits of a slot, who has which index, and what a driver can call.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.recover import read
from imsgen.dsl.source import Source
from imsgen.dsl.tokens import grammar, keywords
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.series import Planner
from imsgen.kernel_test_module import layouts
from imsgen.kernel_test_module.stages import Place

from .random_layouts import layout

ROOT = Path(__file__).resolve().parents[2]
PLANNER = Planner(embedded(DEFAULT))

#: Where random layouts are: what they include is beside the examples.
PLACE = ROOT / "examples" / "random.ims"


class Choices(Random):
    """Random numbers from bytes, and behind these the number that leaves most out."""

    def __new__(cls, raw: bytes) -> Choices:
        return super().__new__(cls)

    def __init__(self, raw: bytes) -> None:
        self._raw = BytesIO(raw)
        super().__init__()

    def random(self) -> float:
        return 1 - (int.from_bytes(self._raw.read(2), "big") + 1) / 0x10000

    def getrandbits(self, k: int) -> int:
        return int.from_bytes(self._raw.read((k + 7) // 8), "big") & ((1 << k) - 1)


#: All layouts there can be. The bytes are hypothesis', which makes those of one that fails
#: smaller: a choice of its own for each number would take longer than to make the series.
LAYOUTS = st.binary(min_size=512, max_size=512).map(lambda raw: layout(Choices(raw)))

#: How many there are in each run.
EXAMPLES = 300

#: Rules and words that every layout has.
ALWAYS = {"start", "device", "store", "`device`", "`store`", "`pci`"}

#: Bytes and bits: members by offset and size, defines by mask.
Parts = tuple[dict[str, tuple[int, int]], dict[str, int]]

NUMBER = r"(0[xX][0-9a-fA-F_]+|[0-9_]+)"


def number(text: str) -> int:
    """A number of a layout."""
    return int(text.replace("_", ""), 0)


def slots_of(text: str) -> dict[str, tuple[int, str]]:
    """By stores, the stride of their slots, and the text with what is in them."""
    slots = {}
    for name, block in re.findall(r"^ *store (\w+): \w+ \{(.*)$", text, re.M):
        if "slot shared;" in block:
            block = next(line for line in text.splitlines() if line.startswith("slot shared "))
        elif "slot crypto_slot;" in block:
            block = (ROOT / "examples/parts/family.ims").read_text("utf-8")
        found = re.search(rf"\bslot (?:\w+ )??{NUMBER} .*\}}", block, re.S)
        if found:
            slots[name] = (number(found[1]), found[0])
    return slots


def said(text: str) -> Parts:
    """What a slot has, by its words."""
    members = {}
    for name, at, width in re.findall(
        r"\b(address|address_lo|address_hi|data|control|(?<=register )\w+) "
        rf"@{NUMBER}(?: width (\d+))?",
        text,
    ):
        size = int(width or (64 if name == "address" else 32)) // 8
        start = number(at)
        if name == "address" and size == 8:
            big = "big endian" in text
            members["address_hi" if big else "address_lo"] = (start, 4)
            members["address_lo" if big else "address_hi"] = (start + 4, 4)
        else:
            members["address_lo" if name == "address" else name] = (start, size)
    bits = {}
    for name, high, low in re.findall(r"(\w+) bits (\d+):(\d+) cookie", text):
        bits[name.upper()] = (1 << (int(high) + 1)) - (1 << int(low))
    for name, bit in re.findall(
        r"(\w+_enable|mask|\w+(?= bit \d+ (?:cookie|pending))) bit (\d+)", text
    ):
        bits[name.upper()] = 1 << int(bit)
    fixed = {
        name.upper(): int(value, 0) << int(low)
        for name, low, value in re.findall(r"(\w+) bits \d+:(\d+) = (\w+);", text)
    }
    fixed |= {
        name.upper(): 1 << int(bit) for name, bit in re.findall(r"(\w+) bit (\d+) set;", text)
    }
    return members, bits | fixed | ({"": sum(fixed.values())} if any(fixed.values()) else {})


def made(header: str) -> Parts:
    """What the struct and the defines of a header have, as a C compiler would lay them out."""
    (body,) = re.findall(r"struct \w+_slot \{(.*?)\n\}", header, re.S)
    at, members = 0, {}
    for kind, name, count in re.findall(r"^\t(u8|__[lb]e\d+)\s+(\w+)(?:\[(\d+)\])?;", body, re.M):
        size = (1 if kind == "u8" else int(kind[4:]) // 8) * int(count or 1)
        if not name.startswith("reserved"):
            members[name] = (at, size)
        at += size
    bits = {}
    for name, high, low in re.findall(r"_CTRL_(\w+)\s+GENMASK\((\d+), (\d+)\)", header):
        bits[name] = (1 << (int(high) + 1)) - (1 << int(low))
    for name, bit in re.findall(r"_CTRL_(\w+)\s+BIT\((\d+)\)", header):
        bits[name] = 1 << int(bit)
    for name, value, low in re.findall(r"_CTRL_(\w+)\s+\((0x\w+)UL << (\d+)\)", header):
        bits[name] = int(value, 16) << int(low)
    for names in re.findall(r"_CTRL\s+([\w(].*?)$", header.replace("\\\n", ""), re.M):
        bits[""] = sum(bits[name] for name in re.findall(r"_CTRL_(\w+)", names))
    members["stride"] = (at, 0)
    return members, bits


def check_slots(text: str, headers: dict[str, str]) -> None:
    """The structs and the defines of slots, by stores, are what the layout says."""
    slots = slots_of(text)
    assert headers.keys() == slots.keys()
    for name, header in headers.items():
        stride, slot = slots[name]
        members, bits = made(header)
        wanted, masks = said(slot)
        assert members.pop("stride")[0] == stride
        if "message" in members:
            first = min(wanted["address_lo"], wanted["data"])
            assert members.pop("message") == (first[0], 8)
            wanted.pop("address_lo"), wanted.pop("data")
        if "ctrl" in members:
            members["control"] = members.pop("ctrl")
        assert members == wanted
        assert bits == masks


def ranges_said(text: str) -> Iterator[tuple[str, str, int, int | None]]:
    """Pool, store, first and last index of each range of pools that aren't managed."""
    for name, ranges, block in re.findall(r"pool (\w+) = ([^\"{]*).*?\{(.*?)\}", text):
        if "managed" not in block:
            for part in ranges.split("+"):
                store, first, dots, last = re.fullmatch(
                    rf"\s*(\w+)(?:\[{NUMBER}(\.\.)?{NUMBER}?\])?\s*", part
                ).groups()  # type: ignore[union-attr]
                if not dots:
                    last = first
                yield name, store, number(first or "0"), number(last) if last else None


def ranges_made(glue: str) -> Iterator[tuple[str, str, int, int | None]]:
    """The same from the tables of the C file."""
    for name, rows in re.findall(r"irq_vec_range foo_(\w+)_ranges\[\] = \{(.*?)\n\};", glue, re.S):
        for store, first, last in re.findall(
            r"\.source = FOO_(\w+), \.first = (\d+), \.last = (\w+)", rows
        ):
            yield name, store.lower(), int(first), None if last == "UINT_MAX" else int(last)


def calls_said(text: str) -> set[str]:
    """Functions that a driver of a layout can call."""
    calls = {f"foo_irq_{name}" for name in re.findall(r"\bvector (\w+) =", text)}
    for name, block in re.findall(r"pool (\w+) = [^{]*\{(.*?)\}", text):
        if "share" in block:
            calls |= {f"foo_{name}_{call}" for call in ("get", "attach", "detach", "dispatch")}
        if "dedicated" in block:
            calls |= {f"foo_{name}_{call}" for call in ("get_dedicated", "get_at")}
        if "managed" in block:
            calls |= {f"foo_{name}_{call}" for call in ("affinity", "irq")}
    for name in re.findall(r"subdevice (\w+) max", text):
        calls |= {f"foo_{name}_{call}" for call in ("irqs_init", "nr", "irq")}
    return calls


def generated(text: str) -> dict[str, str]:
    """The files that are made of a layout's devices."""
    result = load(str(PLACE), text.encode())
    assert result.ok, render(result.diagnostics) + text
    out: dict[str, str] = {}
    for device in result.devices:
        out |= PLANNER.series([device]).files
    return out


def check(text: str) -> None:
    """A layout is made, and what is made says what it says."""
    files = generated(text)
    headers = {re.search(r"/irq-foo-(\w+)\.h$", path): file for path, file in files.items()}
    check_slots(text, {found[1]: file for found, file in headers.items() if found})
    public = files["include/linux/irqchip/irq-foo.h"]
    glue = next(file for path, file in files.items() if path.endswith("/irq-foo.c"))
    assert sorted(ranges_made(glue)) == sorted(ranges_said(text))
    called = set(re.findall(r"\b(foo_\w+)\(", public))
    assert calls_said(text) <= called
    limits = dict(re.findall(r"#define FOO_(\w+)_LIMIT\s+(\d+)", public))
    shares = re.findall(r"pool (\w+) = [^{]*\{[^}]*share [a-z ]* up to (\d+)", text)
    assert limits == {name.upper(): limit for name, limit in shares}


def hits(text: str) -> set[str]:
    """The rules and words of the grammar that a layout has, and how many IMS stores."""
    tree, _ = read(Source("random.ims", text), text)
    words = keywords()
    stores = len(re.findall(r"^ *store \w+: \w+ \{", text, re.M))
    return (
        {f"{stores} IMS stores"}
        | {str(node.data) for node in tree.iter_subtrees()}
        | {f"`{token}`" for token in tree.scan_values(lambda token: str(token) in words)}
    )


def table(seen: Counter[str]) -> list[str]:
    """In how many layouts there is what the language has, and in how many there isn't."""
    rules = {rule.alias or rule.origin.name for rule in grammar().rules}
    rows = sorted(name for name in rules if not name.startswith(("_", "$")))
    rows += sorted(f"`{word}`" for word in keywords())
    rows += [f"{number} IMS stores" for number in range(4)]
    total = seen["all"]
    return [f"{row:20} with {seen[row]:4}  without {total - seen[row]:4}" for row in rows]


@pytest.mark.slow
def test_what_is_right_is_made() -> None:
    """Each statement of the language is in some of them, and missing in others."""
    seen: Counter[str] = Counter()

    @settings(deadline=None, max_examples=EXAMPLES, derandomize=True)
    @given(LAYOUTS)
    def every(text: str) -> None:
        check(text)
        seen.update(["all", *hits(text)])

    every()
    rows = table(seen)
    print("\n".join(rows))
    assert not [row for row in rows if " with    0" in row]
    assert not [row for row in rows if " without    0" in row and row.split()[0] not in ALWAYS]


@pytest.mark.slow
def test_what_is_booted_has_all_of_the_language() -> None:
    """The examples, and the layouts that one kernel is built of, ten random ones among them."""
    seen: Counter[str] = Counter()
    examples = [path.read_text("utf-8") for path in ROOT.glob("examples/*.ims")]
    for text in (*examples, *(text for _, text in layouts.texts(Place(ROOT)))):
        seen.update(["all", *hits(text)])
    assert not [row for row in table(seen) if " with    0" in row]


DOCUMENTS = [
    (path.name, text)
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for text in re.findall(r"^```(?:ims)?\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S)
    if re.search(r"^device \w+ ", text, re.M)
]


def test_there_are_layouts_in_documents() -> None:
    assert {"language.md"} <= {name for name, _ in DOCUMENTS}


@pytest.mark.parametrize(("name", "text"), DOCUMENTS)
def test_layouts_of_documents_are_made(name: str, text: str) -> None:
    # No profile has the folders of all drivers.
    assert generated(re.sub(r'^ *path "[^"]*";\n', "", text, flags=re.M))
