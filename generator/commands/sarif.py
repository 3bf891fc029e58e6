"""SARIF 2.1.0, the form in which code review systems take findings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from imsgen.dsl.codes import CODES
from imsgen.dsl.diagnostics import Diagnostic
from imsgen.dsl.source import Span

from .. import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class Rule:
    """What is looked for: a line, a few sentences, and how bad it is (a level of SARIF)."""

    meaning: str
    explanation: str
    level: str


@dataclass(frozen=True)
class Finding:
    """One result; ``related`` are more places, each with what is there."""

    rule: str
    level: str
    message: str
    span: Span | None
    related: Sequence[tuple[Span, str]] = ()


def of_findings(found: Iterable[Diagnostic]) -> dict[str, Any]:
    """The log of what the checker found."""
    rules = {
        code: Rule(entry.meaning, entry.explanation, entry.severity.value)
        for code, entry in CODES.items()
    }
    return log(rules, [_finding(item) for item in found])


def _finding(item: Diagnostic) -> Finding:
    parts = [item.message]
    parts += [f"Here: {item.label}."] if item.label else []
    parts += [f"Help: {item.hint}."] if item.hint else []
    related = [(place.span, place.label) for place in item.secondary]
    return Finding(item.code, item.severity.value, "\n".join(parts), item.span, related)


def log(rules: Mapping[str, Rule], findings: Sequence[Finding]) -> dict[str, Any]:
    """A log of one run, with those of the rules that found something."""
    used = [rule for rule in rules if any(rule == item.rule for item in findings)]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "imsgen",
                        "version": __version__,
                        "rules": [_rule(name, rules[name]) for name in used],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(item, used.index(item.rule)) for item in findings],
            }
        ],
    }


def _rule(name: str, rule: Rule) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": rule.meaning},
        "fullDescription": {"text": rule.explanation},
        "defaultConfiguration": {"level": rule.level},
    }


def _result(item: Finding, index: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ruleId": item.rule,
        "ruleIndex": index,
        "level": item.level,
        "message": {"text": item.message},
        "locations": [{"physicalLocation": _place(item.span)}] if item.span else [],
    }
    if item.related:
        made["relatedLocations"] = [
            {"id": number, "physicalLocation": _place(span), "message": {"text": label}}
            for number, (span, label) in enumerate(item.related)
        ]
    return made


def _place(span: Span) -> dict[str, Any]:
    line, column, end_line, end_column = span.as_list()
    return {
        "artifactLocation": {"uri": _uri(span.source.name)},
        "region": {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        },
    }


def _uri(name: str) -> str:
    """A file as a URI: relative as it was given, so that it means the same on any machine."""
    path = quote(os.fsencode(name.replace(os.sep, "/")))
    return f"file://{path}" if path.startswith("/") else path
