"""What the checker passes is made: random layouts, and every layout in a document.

Headers of slots are compared with a model of their own: the offsets of a packed struct's members
and the bits of its defines, computed from the text of the layout and nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.recover import read
from imsgen.dsl.source import Source
from imsgen.dsl.tokens import grammar
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.series import Planner

from .random_layouts import layout

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(300)
PLANNER = Planner(embedded(DEFAULT))

#: Rules that no random layout has: other files', and several of what is tested by itself.
ELSEWHERE = {"start", "include"}

#: Bytes and bits: members by offset and size, defines by mask.
Parts = tuple[dict[str, tuple[int, int]], dict[str, int]]


def said(text: str) -> Parts:
    """What a layout's slot has, by its words."""
    members = {}
    for name, at, width in re.findall(
        r"(address|address_lo|address_hi|data|control|(?<=register )\w+) @(\d+)(?: width (\d+))?",
        text,
    ):
        size = int(width or (64 if name == "address" else 32)) // 8
        if name == "address":
            big = "big endian" in text
            members["address_hi" if big else "address_lo"] = (int(at), 4)
            members["address_lo" if big else "address_hi"] = (int(at) + 4, 4)
        else:
            members[name] = (int(at), size)
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


def generated(text: str) -> dict[str, str]:
    """The files that are made of a layout's devices."""
    result = load("random.ims", text.encode())
    assert result.ok, render(result.diagnostics) + text
    out: dict[str, str] = {}
    for device in result.devices:
        out |= PLANNER.series([device]).files
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_right_is_made(seed: int) -> None:
    text = layout(seed)
    files = generated(text)
    headers = [file for path, file in files.items() if "_slot {" in file and path.endswith(".h")]
    assert len(headers) == (1 if "slot " in text else 0)
    for header in headers:
        members, bits = made(header)
        wanted, masks = said(text)
        (stride,) = re.findall(r"slot (?:shared )?(\d+) ", text)
        assert members.pop("stride")[0] == int(stride)
        if "message" in members:
            first = min(wanted["address_lo"], wanted["data"])
            assert members.pop("message") == (first[0], 8)
            wanted.pop("address_lo"), wanted.pop("data")
        if "control" not in members and "ctrl" in members:
            members["control"] = members.pop("ctrl")
        assert members == wanted
        assert bits == masks


def test_every_rule_of_the_grammar_is_hit() -> None:
    hit = set()
    for seed in SEEDS:
        text = layout(seed)
        tree, _ = read(Source("random.ims", text), text)
        hit |= {node.data for node in tree.iter_subtrees()}
    rules = {rule.alias or rule.origin.name for rule in grammar().rules}
    wanted = {name for name in rules if not name.startswith(("_", "$"))} - ELSEWHERE
    assert wanted <= {str(name) for name in hit}


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
