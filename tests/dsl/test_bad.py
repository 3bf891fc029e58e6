"""What is refused, with the exact words: one golden for each file in ``tests/bad``."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from pathlib import Path

import pytest
from dsl_goldens import golden
from dsl_samples import BAD, GOOD, MADE, MADE_MANY, WARNINGS

from imsgen.dsl import MAX_BYTES, Result, load
from imsgen.dsl.codes import CODES
from imsgen.dsl.diagnostics import Diagnostic, Severity, closing, render

FILES = sorted(BAD.glob("*.ims"))
WARNING_FILES = sorted(WARNINGS.glob("*.ims"))

#: Goldens of inputs that a test of its own makes.
ALONE = ("made-large-include", "made-many-includes", "made-no-file")

#: Codes of clashes, which show both places.
CLASHES = {
    "IMS012", "IMS024", "IMS025", "IMS040", "IMS043", "IMS047", "IMS048", "IMS055", "IMS056",
    "IMS058", "IMS062", "IMS063", "IMS065", "IMS067", "IMS070", "IMS071", "IMS072", "IMS074",
    "IMS075", "IMS079", "IMS081", "IMS090", "IMS091", "IMS094", "IMS095", "IMS096", "IMS097",
    "IMS098", "IMS100", "IMS101", "IMS102", "IMS103", "IMS106", "IMS107", "IMS113", "IMS115",
    "IMS116", "IMS117", "IMS118", "IMS122", "IMS123", "IMS136", "IMS137", "IMS138",
    "IMS149", "IMS150", "IMS151", "IMS152", "IMS154", "IMS155", "IMS156", "IMS157",
}  # fmt: skip


def read(path: Path) -> Result:
    """Load a file as one does in its folder: names are short, includes are found."""
    with contextlib.chdir(path.parent):
        return load(path.name)


def check_places(found: Diagnostic) -> None:
    for span in (found.span, *(place.span for place in found.secondary)):
        assert 0 <= span.start <= span.end <= len(span.source.text)
        assert span.line >= 1
        assert span.column >= 1


def check_complete(result: Result) -> None:
    """Each finding has all that one has, and is shown as its code says."""
    for found in result.diagnostics:
        check_places(found)
        assert found.code in CODES
        assert found.severity is CODES[found.code].severity
        assert found.message
        if found.code in CLASHES:
            assert found.secondary, found.code
        if found.code not in ("IMS010",):
            assert found.hint or found.label, found.code


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bad(path: Path) -> None:
    result = read(path)
    assert result.devices == ()
    assert any(found.severity is Severity.ERROR for found in result.diagnostics)
    check_complete(result)
    found = [(item.code, item.span.start, item.message) for item in result.diagnostics]
    assert len(found) == len(set(found))
    golden(path.with_suffix(".txt"), render(result.diagnostics))


@pytest.mark.parametrize("path", WARNING_FILES, ids=lambda path: path.stem)
def test_warnings(path: Path) -> None:
    result = read(path)
    assert result.ok
    assert result.devices
    assert all(found.severity is Severity.WARNING for found in result.diagnostics)
    check_complete(result)
    golden(path.with_suffix(".txt"), render(result.diagnostics))


@pytest.mark.parametrize("name", MADE)
def test_made(name: str) -> None:
    result = load(f"{name}.ims", MADE[name])
    assert result.devices == ()
    golden(BAD / f"{name}.txt", render(result.diagnostics))


@pytest.mark.parametrize("name", MADE_MANY)
def test_made_many(name: str) -> None:
    result = load(f"{name}.ims", MADE_MANY[name])
    assert result.devices == ()
    assert len(result.diagnostics) == 501
    golden(BAD / f"{name}.txt", render(result.diagnostics[-1:]))


def test_missing_file() -> None:
    result = load("no/such/file.ims")
    assert result.devices == ()
    golden(BAD / "made-no-file.txt", render(result.diagnostics))


def test_too_many_includes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(66):
        tmp_path.joinpath(f"f{number}.ims").write_text(f'include "f{number + 1}.ims";\n')
    tmp_path.joinpath("f66.ims").write_text("")
    tmp_path.joinpath("many.ims").write_text('include "f0.ims";\n' + GOOD)
    golden(BAD / "made-many-includes.txt", render(load("many.ims").diagnostics))


def test_too_large_include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files together have a limit, not each by itself."""
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("half.ims").write_text("#" * (MAX_BYTES // 2))
    tmp_path.joinpath("other.ims").write_text("#" * (MAX_BYTES // 2))
    tmp_path.joinpath("large.ims").write_text('include "half.ims";\ninclude "other.ims";\n' + GOOD)
    golden(BAD / "made-large-include.txt", render(load("large.ims").diagnostics))


def test_enough_bad_files() -> None:
    assert len(FILES) >= 110


def test_every_golden_has_its_input() -> None:
    known = {path.stem for path in FILES} | {*MADE, *MADE_MANY, *ALONE}
    assert {path.stem for path in BAD.glob("*.txt")} == known
    stems = {path.stem for path in WARNING_FILES}
    assert {path.stem for path in WARNINGS.glob("*.txt")} == stems


def test_every_code_has_a_golden() -> None:
    goldens = [*BAD.glob("*.txt"), *WARNINGS.glob("*.txt")]
    text = "".join(path.read_text(encoding="utf-8") for path in goldens)
    shown = set(re.findall(r"(?:error|warning)\[(IMS\d{3})\]", text))
    assert shown == set(CODES)


def test_closing_count() -> None:
    def count(*severities: Severity) -> str:
        (found,) = read(BAD / "vector-twice.ims").diagnostics
        return closing([dataclasses.replace(found, severity=one) for one in severities])

    error, warning = Severity.ERROR, Severity.WARNING
    assert count(error, warning, error) == "2 errors, 1 warning\n"
    assert count(warning, warning) == "2 warnings\n"
    assert count(error) == "1 error\n"
    assert count() == ""


def test_json_form() -> None:
    result = read(BAD / "vector-twice.ims")
    (found,) = [item.to_dict() for item in result.diagnostics]
    assert json.loads(json.dumps(found)) == found
    assert found == {
        "code": "IMS071",
        "severity": "error",
        "message": "`b` and `a` have the same index",
        "file": "vector-twice.ims",
        "span": [15, 16, 15, 22],
        "label": "used again here, for `b`",
        "secondary": [
            {
                "file": "vector-twice.ims",
                "span": [14, 16, 14, 22],
                "label": "first used here, for `a`",
            }
        ],
        "hint": "give one of the two another index, or have them share it: `vector b = a;`",
    }


def test_catalogue() -> None:
    assert list(CODES) == sorted(CODES)
    for code, entry in CODES.items():
        assert re.fullmatch(r"IMS\d{3}", code)
        assert entry.meaning and entry.meaning[-1] != "."
        assert entry.explanation.endswith(".")
