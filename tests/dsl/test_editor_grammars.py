"""The grammars for editors know the words that the language has, and no others."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest
from dsl_goldens import UPDATE
from dsl_samples import ROOT

from imsgen.dsl.kinds import BY_WORD, PLACES
from imsgen.dsl.tokens import keywords, signs

FOLDER = ROOT / "docs" / "editors"
VSCODE, TREE_SITTER = FOLDER / "vscode", FOLDER / "tree-sitter"
#: All words but the kinds of stores.
WORDS = set(keywords()) - set(BY_WORD)
COLOURS, RULES = TREE_SITTER / "queries" / "highlights.scm", TREE_SITTER / "grammar.js"
SYNTAX = VSCODE / "syntaxes" / "ims.tmLanguage.json"


def update() -> None:
    """Write the words again that are no statements of devices: IMSGEN_UPDATE=1."""
    text = SYNTAX.read_text()
    rules = json.loads(text)["repository"]
    own = {w for w in re.findall(r"\w+", rules["statement"]["match"]) if w in WORDS}
    words = sorted(WORDS - own)
    SYNTAX.write_text(
        text.replace(json.dumps(rules["property"]["match"]), rf'"\\b({"|".join(words)})\\b"')
    )
    rows = textwrap.fill(" ".join(f'"{word}"' for word in words), 98)
    text = COLOURS.read_text()
    start = text.rindex("[")
    COLOURS.write_text(f"{text[:start]}[\n{textwrap.indent(rows, '  ')}\n] @keyword.modifier\n")
    places = ", ".join(f"'{word}'" for word in PLACES)
    RULES.write_text(re.sub(r"(place: .*choice\()[^)]*", rf"\g<1>{places}", RULES.read_text()))


if UPDATE:
    update()
GRAMMAR = json.loads(SYNTAX.read_text())
FILES = [*ROOT.glob("examples/**/*.ims"), *ROOT.glob("tests/layouts/*.ims")]


def words_of(rule: str) -> list[str]:
    found = re.fullmatch(r"\\b\(([\w|]+)\)\\b", GRAMMAR["repository"][rule]["match"])
    assert found
    return found[1].split("|")


def test_words_of_vs_code() -> None:
    """Each word has one colour; any word behind the colon is the kind of a store."""
    words = [word for rule in ("statement", "property") for word in words_of(rule)]
    assert sorted(words) == sorted(WORDS)
    store = re.compile(GRAMMAR["repository"]["store"]["match"])
    for kind in BY_WORD:
        found = store.match(f"store s: {kind} {{")
        assert found and found[4] == kind


def test_words_of_tree_sitter() -> None:
    text = RULES.read_text().replace("name: 'ims'", "")
    quoted = set(re.findall(r"'([^']+)'", text))
    assert quoted == {*WORDS, *signs()}


def test_colours_of_tree_sitter() -> None:
    text = COLOURS.read_text()
    text = re.sub(r"(?m);[^\"]*$", "", text)
    lists = set(re.findall(r'"([^"]+)"', text))
    assert lists == {*WORDS, *signs()}
    nodes = set(re.findall(r"\((\w+)", text))
    grammar = RULES.read_text()
    assert not {
        node for node in nodes if not re.search(rf"^    {node}: |\$\.{node}\b", grammar, re.M)
    }


def test_every_pattern_is_used() -> None:
    included = {item["include"].removeprefix("#") for item in GRAMMAR["patterns"]}
    assert included == set(GRAMMAR["repository"])


@pytest.mark.parametrize("path", sorted(FILES), ids=lambda path: path.name)
def test_no_word_of_a_layout_is_left_out(path: Path) -> None:
    """What has no colour are names, blanks and punctuation."""
    rules = [rule["match"] for rule in GRAMMAR["repository"].values()]
    every = re.compile("|".join(f"(?:{rule})" for rule in rules), re.M)
    left = every.sub(" ", path.read_text(encoding="utf-8"))
    assert not set(re.findall(r"\w+", left)) & set(keywords())
    assert re.fullmatch(r"[\w\s{}\[\];,]*", left)


def test_the_extension() -> None:
    package = json.loads((VSCODE / "package.json").read_text())
    made = package["contributes"]
    (language,) = made["languages"]
    (grammar,) = made["grammars"]
    assert language["extensions"] == [".ims"] and grammar["language"] == language["id"]
    assert grammar["scopeName"] == GRAMMAR["scopeName"]
    for path in (language["configuration"], grammar["path"]):
        json.loads((VSCODE / path).read_text())
