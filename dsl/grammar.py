"""The tables that ``ims.lark`` compiles to: the only place that knows Lark.

Lark makes LALR(1) tables out of the grammar; the parser needs nothing but these plain
dictionaries, so that they can come from a build step as well as from the grammar's text.
"""

from __future__ import annotations

import os
from functools import cache

from . import ahead
from .records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The grammar, relative to the packages.
GRAMMAR = "dsl/ims.lark"

#: The terminal at the end of every file.
END = "$END"


@dataclass(frozen=True)
class Rule:
    """One production: ``length`` symbols become ``name``.

    ``spliced`` rules (helpers with a leading underscore) have no node of their own: what they
    hold goes into the node around them.
    """

    name: str
    action: str
    length: int
    spliced: bool


@dataclass(frozen=True)
class Tables:
    """LALR(1) tables with default reductions.

    ``actions[state][terminal]`` is the next state, or ``~rule`` to reduce.  ``defaults[state]``
    is the rule of a state that can only reduce by it, else None: such a state reduces without
    looking at what follows, so that a finished statement stays finished whatever comes next.
    """

    words: dict[str, str]
    signs: dict[str, str]
    patterns: dict[str, str]
    ignored: tuple[str, ...]
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]
    defaults: tuple[int | None, ...]
    rules: tuple[Rule, ...]
    start: int
    end: int


def grammar_text() -> str:
    """The text of ``ims.lark``."""
    with open(os.path.join(ahead.PACKAGE, GRAMMAR), encoding="utf-8") as file:
        return file.read()


@cache
def tables() -> Tables:
    """The tables of this package's grammar: made ahead if they are fresh, else by Lark."""
    try:
        from . import _tables  # type: ignore[attr-defined]  # there in a built package only
    except ImportError:
        return compile_tables(grammar_text())
    if not ahead.fresh(_tables.SOURCES):
        return compile_tables(grammar_text())
    return Tables(**_tables.TABLES | {"rules": tuple(Rule(*rule) for rule in _tables.RULES)})


def tables_module() -> str:
    """The text of the module that :func:`tables` looks for."""
    made = vars(compile_tables(grammar_text())).copy()
    rules = tuple(tuple(vars(rule).values()) for rule in made.pop("rules"))
    sources = {GRAMMAR: ahead.digest(GRAMMAR)}
    return f"SOURCES = {sources!r}\nTABLES = {made!r}\nRULES = {rules!r}\n"


def compile_tables(text: str) -> Tables:
    """Compile a grammar's text.  Raises what Lark raises where the grammar is no LALR(1)."""
    from lark import Lark
    from lark.grammar import Rule as LarkRule
    from lark.lexer import TerminalDef

    lark = Lark(text, parser="lalr", keep_all_tokens=True, maybe_placeholders=False)
    data, memo = lark.memo_serialize([TerminalDef, LarkRule])
    numbers: dict[int, int] = {}
    rules: list[Rule] = []
    words: dict[str, str] = {}
    signs: dict[str, str] = {}
    patterns: dict[str, str] = {}
    for key, entry in memo.items():
        if entry["__type__"] == "Rule":
            numbers[key] = len(rules)
            rules.append(_rule(entry))
        elif entry["pattern"]["__type__"] == "PatternStr":
            literal = entry["pattern"]["value"]
            (words if literal[0].isalpha() else signs)[literal] = entry["name"]
        else:
            patterns[entry["name"]] = entry["pattern"]["value"]
    table = data["parser"]["parser"]
    symbols = table["tokens"]
    terminals = {*words.values(), *signs.values(), *patterns, END}
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    # Lark numbers states and rules in the order of its sets: number them as they are met from
    # the start, so that every run gives the same tables.
    order: list[int] = [table["start_states"]["start"]]
    states: dict[int, int] = {order[0]: 0}
    used: list[Rule] = []
    reduced: dict[int, int] = {}
    for state in order:
        action: dict[str, int] = {}
        goto: dict[str, int] = {}
        entries = {symbols[symbol]: entry for symbol, entry in table["states"][state].items()}
        for name, (is_reduce, target) in sorted(entries.items()):
            if is_reduce:
                key = target["@"]
                if key not in reduced:
                    reduced[key] = len(used)
                    used.append(rules[numbers[key]])
                action[name] = ~reduced[key]
                continue
            if target not in states:
                states[target] = len(order)
                order.append(target)
            (action if name in terminals else goto)[name] = states[target]
        actions.append(action)
        gotos.append(goto)
    return Tables(
        words=dict(sorted(words.items())),
        # The longest first: ".." before a "." that may come one day.
        signs=dict(sorted(signs.items(), key=lambda item: (-len(item[0]), item[0]))),
        patterns=dict(sorted(patterns.items())),
        ignored=tuple(sorted(data["parser"]["lexer_conf"]["ignore"])),
        actions=tuple(actions),
        gotos=tuple(gotos),
        defaults=tuple(_default(action) for action in actions),
        rules=tuple(used),
        start=0,
        end=states[table["end_states"]["start"]],
    )


def _rule(entry: dict[str, Any]) -> Rule:
    name = entry["origin"]["name"]
    return Rule(name, entry["alias"] or name, len(entry["expansion"]), name.startswith("_"))


def _default(action: dict[str, int]) -> int | None:
    targets = set(action.values())
    if len(targets) == 1:
        (target,) = targets
        if target < 0:
            return ~target
    return None
