"""Completions and the man page: made from the parsers, and right for those who read them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.generator.arguments import COMMANDS
from imsgen.generator.commands.new import kinds
from imsgen.generator.commands.usage import all_commands

from .conftest import REPOSITORY

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

FLAGS = {flag for command in all_commands() for item in command.options for flag in item.flags}


def script(shell: str, imsgen: Run, capfd: Capture) -> str:
    assert imsgen("completions", shell) == 0
    out, err = capfd.readouterr()
    assert not err
    return out


def shell(name: str, *args: str, text: str = "") -> str:
    """What a shell prints; skips where there is none."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name} here")
    run = subprocess.run([path, *args], input=text, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and not run.stderr, run.stderr
    return run.stdout


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_all_commands_and_flags_are_there(name: str, imsgen: Run, capfd: Capture) -> None:
    text = script(name, imsgen, capfd)
    for word in COMMANDS:
        assert re.search(rf"(?<![\w-]){word}(?![\w-])", text), word
    for flag in FLAGS:
        shown = flag if name != "fish" else f"-{'l' if flag[1] == '-' else 's'} {flag.lstrip('-')}"
        assert re.search(rf"(?<![\w-]){shown}(?![\w-])", text), flag


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["imsgen", ""], {*COMMANDS, "a.ims", "folder"}),
        (["imsgen", "f"], {"fmt", "folder"}),
        (["imsgen", "a"], {"a.ims"}),
        (["imsgen", "--ke"], {"--kernel"}),
        (["imsgen", "a.ims", "-o", "f"], {"folder"}),
        (["imsgen", "a.ims", ""], {"a.ims", "folder"}),
        (["imsgen", "fmt", "--"], {"--help", "--check", "--diff"}),
        (["imsgen", "fmt", "a"], {"a.ims"}),
        (["imsgen", "fmt", "-I", ""], {"folder"}),
        (["imsgen", "new", "x", "--like", ""], set(kinds())),
        (["imsgen", "new", "x", "--like", "ms"], {"msi", "msix"}),
        (["imsgen", "completions", "z"], {"zsh"}),
        (["imsgen", "simulate", "a.ims", "--cpus", ""], set()),
    ],
)
def test_bash(words: list[str], wanted: set[str], imsgen: Run, capfd: Capture) -> None:
    Path("comp.bash").write_text(script("bash", imsgen, capfd))
    Path("a.ims").write_text("")
    Path("b.txt").write_text("")
    Path("folder").mkdir()
    array = " ".join(f"'{word}'" for word in words)
    text = f"""
        source ./comp.bash
        COMP_WORDS=({array}) COMP_CWORD={len(words) - 1}
        _imsgen
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert set(shell("bash", "--norc", "-c", text).split()) == wanted


def test_zsh_reads_it(imsgen: Run, capfd: Capture) -> None:
    Path("_imsgen").write_text(script("zsh", imsgen, capfd))
    shell("zsh", "-f", "-n", "_imsgen")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("imsgen fm", {"fmt"}),
        ("imsgen new x --like ms", {"msi", "msix"}),
        ("imsgen fmt --ch", {"--check"}),
        ("imsgen a", {"a.ims"}),
        ("imsgen completions z", {"zsh"}),
    ],
)
def test_fish(line: str, wanted: set[str], imsgen: Run, capfd: Capture) -> None:
    Path("comp.fish").write_text(script("fish", imsgen, capfd))
    Path("a.ims").write_text("")
    out = shell("fish", "--no-config", "-c", f"source comp.fish; complete -C '{line}'")
    assert {item.split("\t")[0] for item in out.splitlines()} == wanted


def test_man_page(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("man") == 0
    page = capfd.readouterr().out
    assert page.startswith(".TH IMSGEN 1 ") and "{{" not in page
    plain = page.replace("\\-", "-")
    for word in COMMANDS:
        assert f".SS imsgen {word}" in plain
    assert all(flag in plain for flag in FLAGS)
    for line in page.splitlines():
        assert not re.match(r"[.'](?!TH|SH|SS|TP|B|BR|I|IR|RB|RI|br|nf|fi)", line), line
    if shutil.which("groff"):
        made = subprocess.run(
            ["groff", "-man", "-ww", "-Tascii", "-P-bcu"],
            input=page.encode(),
            capture_output=True,
            check=False,
        )
        assert made.returncode == 0 and not made.stderr, made.stderr
        assert b"EXIT STATUS" in made.stdout


def test_help_lists_the_commands(imsgen: Run, capfd: Capture) -> None:
    assert imsgen("--help") == 0
    out = capfd.readouterr().out
    for name, text in COMMANDS.items():
        assert f"  {name:12} {text}\n" in out


def test_pre_commit_hooks_are_commands(imsgen: Run) -> None:
    text = (REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"^  entry: imsgen (\w+)$", text, re.MULTILINE)
    assert entries == ["check", "fmt"]
    files = re.findall(r"^  files: (.*)$", text, re.MULTILINE)
    assert all(re.search(pattern, "examples/idxd.ims") for pattern in files)
    example = REPOSITORY / "examples" / "idxd.ims"
    for entry in entries:
        assert imsgen(entry, example) == 0
    assert not os.listdir()
