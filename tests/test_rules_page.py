"""docs/rules.md has every rule that something refers to, and names files that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$",
    (ROOT / "docs/rules.md").read_text(),
    re.MULTILINE,
)
FOLDERS = ("dsl", "generator", "templates", "kernel_test_module", "tests", "docs")


def texts() -> dict[Path, str]:
    kinds = {".py", ".j2", ".toml", ".c", ".h", ".md", ".ims"}
    paths = (p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.suffix in kinds)
    return {path: path.read_text(errors="replace") for path in paths}


def test_numbers_count_up() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 56))


def test_who_refers_to_a_rule_finds_it() -> None:
    known = {int(row[0]) for row in ROWS}
    for path, text in texts().items():
        for one, other in re.findall(r"\brules? (\d+)(?: (?:and|to) (\d+))?\b", text):
            for number in filter(None, (one, other)):
                assert int(number) in known, f"{path}: rule {number}"


def test_where_it_is_kept_is_there() -> None:
    names = {str(path.relative_to(ROOT)) for path in texts()}
    names |= {str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.rst")}
    for number, _, _, places in ROWS:
        for place in re.findall(r"`([^`]+)`", places):
            assert any(name.endswith(f"/{place}") for name in names), f"rule {number}: {place}"
