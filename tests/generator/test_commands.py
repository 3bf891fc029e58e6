"""What all commands share: bad files, standard input, usage; and ``check`` and ``dump``."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imsgen.dsl import load
from imsgen.dsl.diagnostics import closing
from imsgen.dsl.model import to_json
from imsgen.generator.arguments import COMMANDS

from .conftest import EXAMPLES, REPOSITORY, device_of
from .sarif_model import check_log

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

BAD = REPOSITORY / "tests" / "bad"
FILES = sorted(BAD.glob("*.ims"))
TIMER = EXAMPLES / "timer.ims"

#: A line for each command that reads a layout; ``{}`` is the file.
READERS = {
    "generate": "{} -o out",
    "check": "check {}",
    "simulate": "simulate {} --cpus 2",
    "fmt": "fmt {}",
    "fmt --check": "fmt --check --diff {}",
    "show": "show {}",
    "show files": "show {} --svg a.svg --png a.png --html a.html",
    "dump": "dump --json {}",
    "skeleton": "skeleton {}",
    "update": f"update {{}} --tree {REPOSITORY}",
    "update from": f"update {TIMER} --old {{}} --tree {REPOSITORY}",
    "drgn": "drgn {}",
    "doctor": f"doctor {{}} {REPOSITORY / 'tests' / 'logs' / 'kunit.log'}",
    "diff from": f"diff {{}} {TIMER}",
    "diff to": f"diff {TIMER} {{}}",
}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def feed(monkeypatch: Patch, text: bytes) -> None:
    """Make ``text`` standard input."""

    class Stdin:
        buffer = io.BytesIO(text)

    monkeypatch.setattr("sys.stdin", Stdin())


@pytest.fixture
def bad_folder(tmp_path: Path, imsgen: Run, monkeypatch: Patch) -> Path:
    """A copy of the folder of bad files, and in it."""
    folder = tmp_path / "bad"
    shutil.copytree(BAD, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("line", READERS.values(), ids=READERS)
def test_bad_files(line: str, imsgen: Run, bad_folder: Path, capfd: Capture) -> None:
    """Each command on each bad file: the same findings, exit code 1, nothing written."""
    before = tree(bad_folder)
    for path in FILES:
        if line.startswith("fmt") and path.stem == "layout-no-device":
            continue  # a file of layouts is formatted: test_fmt.py
        assert imsgen(*line.format(path.name).split()) == 1, path.name
        out, err = capfd.readouterr()
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        assert err == text + closing(load(path.name).diagnostics), path.name
        assert not out, path.name
    assert tree(bad_folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "sarif"])
def test_bad_files_for_programs(form: str, imsgen: Run, bad_folder: Path, capfd: Capture) -> None:
    for path in FILES:
        assert imsgen("check", f"--{form}", path.name) == 1
        out, err = capfd.readouterr()
        assert not err
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        found = json.loads(out)
        if form == "json":
            assert found["version"] == 1
            heads = [
                f"{item['file']}:{item['span'][0]}:{item['span'][1]}: "
                f"{item['severity']}[{item['code']}]: {item['message']}"
                for item in found["findings"]
            ]
        else:
            heads = [_head(item) for item in check_log(found)]
        assert heads == [line for line in text.splitlines() if "]: " in line and "[IMS" in line]


def _head(result: dict[str, Any]) -> str:
    """A SARIF result as the first line of a finding."""
    (place,) = result["locations"]
    where = place["physicalLocation"]
    region = where["region"]
    message = result["message"]["text"].splitlines()[0]
    return (
        f"{where['artifactLocation']['uri']}:{region['startLine']}:{region['startColumn']}: "
        f"{result['level']}[{result['ruleId']}]: {message}"
    )


def test_good_files_for_programs(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("check", "--json", TIMER) == 0
    assert json.loads(capfd.readouterr().out) == {"version": 1, "findings": []}
    assert imsgen("check", "--sarif", TIMER) == 0
    assert check_log(json.loads(capfd.readouterr().out)) == []
    assert imsgen("check", "--sarif", "no such file.ims") == 1
    (found,) = check_log(json.loads(capfd.readouterr().out))
    assert found["ruleId"] == "IMS001"
    place = found["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "no%20such%20file.ims"}
    assert imsgen("check", "--sarif", "--json", TIMER) == 2


def test_warnings_for_programs(imsgen: Run, capfd: Capture) -> None:
    path = REPOSITORY / "tests" / "dsl" / "warnings" / "store-unused.ims"
    assert imsgen("check", "--sarif", path) == 0
    (found,) = check_log(json.loads(capfd.readouterr().out))
    assert found["level"] == "warning"
    uri = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == f"file://{path}"


def test_dump(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("dump", "--json", TIMER) == 0
    made = json.loads(capfd.readouterr().out)
    assert made == {"version": 1, "devices": [json.loads(json.dumps(to_json(device_of(TIMER))))]}
    assert imsgen("dump", TIMER) == 2
    capfd.readouterr()
    assert imsgen("dump", "--schema") == 0
    schema = (REPOSITORY / "dsl" / "model.schema.json").read_text(encoding="utf-8")
    assert capfd.readouterr().out == schema


@pytest.mark.parametrize("line", READERS.values(), ids=READERS)
def test_standard_input(line: str, imsgen: Run, capfd: Capture, monkeypatch: Patch) -> None:
    feed(monkeypatch, b"device {")
    assert imsgen(*line.format("-").split()) == 1
    out, err = capfd.readouterr()
    assert not out and err.startswith("stdin:1:8: error[IMS010]: unexpected `{`\n")
    assert not os.listdir()
    feed(monkeypatch, b"#" * (1 << 21))
    assert imsgen(*line.format("-").split()) == 1
    assert "error[IMS002]" in capfd.readouterr().err
    assert not os.listdir()


@pytest.mark.parametrize("form", ["check", "check --json", "dump --json", "fmt --check"])
def test_good_standard_input(form: str, imsgen: Run, capfd: Capture, monkeypatch: Patch) -> None:
    feed(monkeypatch, TIMER.read_bytes())
    assert imsgen(*form.split(), "-") == 0
    assert not capfd.readouterr().err
    if "dump" not in form:
        assert imsgen(*form.split(), "-", "-") == 1
        assert capfd.readouterr().err == ("imsgen: error: standard input can be read once only\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, imsgen: Run, capfd: Capture) -> None:
    assert imsgen(name, "--help") == 0
    assert capfd.readouterr().out.startswith(f"usage: imsgen {name} ")
    assert imsgen(name, "--nonsense") == 2


@pytest.mark.parametrize("code", ["IMS034", "ims034", "34"])
def test_explain(code: str, imsgen: Run, capfd: Capture) -> None:
    assert imsgen("explain", code) == 0
    assert capfd.readouterr().out.startswith("IMS034, error: ")


def test_explain_what_is_not_there(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("explain", "IMS999") == 2
    assert "there is no 'IMS999'" in capfd.readouterr().err
    assert imsgen("explain") == 0
    assert capfd.readouterr().out.startswith("IMS001  the file can't be read\n")


def test_a_file_named_like_a_command(imsgen: Run, capfd: Capture) -> None:
    """It is reached as `./fmt`."""
    Path("fmt").write_bytes(TIMER.read_bytes())
    assert imsgen("check", "fmt") == 0
    assert imsgen("fmt") == 2
    assert imsgen("fmt", "./fmt") == 0
