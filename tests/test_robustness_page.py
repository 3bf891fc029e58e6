"""The tests that ``docs/robustness.md`` names are there."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = (TESTS.parent / "docs" / "robustness.md").read_text()


def test_tests_are_there() -> None:
    code = {path.name: path.read_text() for path in TESTS.rglob("*.py")}
    rows = re.findall(r"(?m)^\| .* \| (.*`.*`.*) \|$", PAGE.partition("| attack | test |")[2])
    assert len(rows) > 20
    for row in rows:
        for name in re.findall(r"`([^`]+)`", row):
            if name.startswith("make "):
                continue
            file, _, test = name.split()[0].rpartition("::")
            if test.endswith(".py"):
                assert test in code, name
            else:
                places = [code[file]] if file else code.values()
                assert any(f"def {test}(" in text for text in places), name
