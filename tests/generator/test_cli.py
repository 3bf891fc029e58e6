"""The command line: exit codes, what it says and where, and that it never shows a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.generator import __version__
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.series import Planner

from .conftest import EXAMPLES, REPOSITORY, device_of, git, small

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

IDXD, TIMER = EXAMPLES / "idxd.ims", EXAMPLES / "timer.ims"


def count(*paths: Path) -> int:
    """How many patches the series of these devices has."""
    return len(Planner(embedded(DEFAULT)).series([device_of(path) for path in paths]).commits)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_version_is_the_package_s(imsgen: Run, capsys: Capture) -> None:
    import tomllib

    assert imsgen("--version") == 0
    assert capsys.readouterr().out == f"imsgen {__version__}\n"
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == __version__


def test_emit_to_the_current_folder(imsgen: Run) -> None:
    assert imsgen(TIMER) == 0
    assert len(files(Path("timer"))) == count(TIMER) + 1
    assert files(Path()) == [f"timer/{name}" for name in files(Path("timer"))]


def test_each_folder_applies_alone(imsgen: Run, git_tree: Path) -> None:
    assert imsgen(TIMER, IDXD, "-o", "out") == 0
    for name in ("timer", "idxd"):
        mails = sorted(str(p.resolve()) for p in Path("out", name).glob("*.patch"))
        git(git_tree, "checkout", "-q", "-b", name, "main")
        git(git_tree, "am", "-q", *mails[1:])


def test_mailbox(imsgen: Run, git_tree: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert imsgen(TIMER, IDXD, "-o", "-") == 0
    text = capfdbinary.readouterr().out.decode()
    both = count(TIMER, IDXD)
    assert f"[PATCH {both}/{both}]" in text and "cover-letter" not in text
    git(git_tree, "am", "-q", text=text)
    assert not files(Path())


@pytest.mark.slow
def test_tree_is_the_default_inside_one(
    imsgen: Run, git_tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    assert imsgen(TIMER, "-o", "-") == 0
    git(git_tree, "am", "-q", text=capfd.readouterr().out)
    monkeypatch.chdir(git_tree / "drivers" / "irqchip")
    assert imsgen(IDXD, "-o", "-") == 0
    text = capfd.readouterr().out
    assert "genirq: Provide quiesce_irq()" not in text and "genirq: Add pools" in text
    git(git_tree, "am", "-q", text=text)
    assert imsgen(IDXD, "-o", "-") == 1
    assert "already: device idxd is in there" in capfd.readouterr().err
    assert imsgen(IDXD, "-o", "-", "--kernel", "linux-6.12") == 0


def test_sources(imsgen: Run) -> None:
    assert imsgen(TIMER, IDXD, "-o", "g", "--sources") == 0
    found = files(Path("g"))
    assert "g" not in found and "idxd/linux-6.12/manifest.json" in found
    assert "idxd/linux-6.12/src/drivers/irqchip/irq-idxd.c" in found
    assert "timer/linux-6.12/series/0000-cover-letter.patch" in found
    assert imsgen(TIMER, IDXD, "-o", "g", "--sources", "--check") == 0


def test_check_names_what_is_not_as_it_would_be(imsgen: Run, capsys: Capture) -> None:
    assert imsgen(TIMER, "-o", "out") == 0
    assert imsgen(TIMER, "-o", "out", "--check") == 0
    names = files(Path("out"))
    Path("out", names[1]).unlink()
    Path("out", names[2]).write_text("changed")
    Path("out/timer/0099-x.patch").write_text(Path("out", names[3]).read_text())
    before = files(Path("out"))
    capsys.readouterr()
    assert imsgen(TIMER, "-o", "out", "--check") == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"imsgen: missing: out/{names[1]}",
        f"imsgen: stale: out/{names[2]}",
        "imsgen: extra: out/timer/0099-x.patch",
    ]
    assert files(Path("out")) == before
    assert imsgen(TIMER, "-o", "out") == 0
    assert files(Path("out")) == names


def test_check_without_anything(imsgen: Run) -> None:
    assert imsgen(TIMER, "-o", "none", "--check") == 1
    assert not Path("none").exists()


def test_diff_changes_nothing(imsgen: Run, capfd: Capture) -> None:
    assert imsgen(TIMER, "-o", "out") == 0
    name = files(Path("out"))[1]
    Path("out", name).write_text("changed\n")
    capfd.readouterr()
    assert imsgen(TIMER, "-o", "out", "--diff") == 0
    out = capfd.readouterr().out
    assert out.startswith(f"--- out/{name}\n+++ out/{name}\n") and "\n-changed\n" in out
    assert Path("out", name).read_text() == "changed\n"
    assert imsgen(TIMER, "-o", "out", "--diff", "--check") == 1


def test_signoff(imsgen: Run) -> None:
    assert imsgen(TIMER, "--signoff", "A B <a@localhost.invalid>") == 0
    for name in files(Path("timer"))[1:]:
        text = Path("timer", name).read_text()
        assert "\n\nSigned-off-by: A B <a@localhost.invalid>\n---\n" in text


def test_check_command(imsgen: Run, capsys: Capture) -> None:
    assert imsgen("check", TIMER, IDXD) == 0
    Path("bad.ims").write_text("device {\n")
    assert imsgen("check", "bad.ims", TIMER) == 1
    assert "bad.ims:1:8: error[" in capsys.readouterr().err
    assert files(Path()) == ["bad.ims"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "required"),
        (["check"], "required"),
        ([TIMER, "--nonsense"], "unrecognized"),
        ([TIMER, "--out", "x"], "unrecognized"),
        ([TIMER, "--kernel", "linux-1.0"], "there is linux-6.12"),
        ([TIMER, "--kernel", "linux-6.12", "--tree", "."], "not allowed with"),
        ([TIMER, "-o", "-", "--check"], "-o - goes with none"),
        ([TIMER, "-o", "-", "--diff"], "-o - goes with none"),
        ([TIMER, "-o", "-", "--sources"], "-o - goes with none"),
        ([TIMER, "-o", ""], "-o needs"),
        ([TIMER, "--signoff", "me"], "--signoff: not of the form"),
    ],
)
def test_usage(imsgen: Run, capsys: Capture, args: list[object], words: str) -> None:
    assert imsgen(*args) == 2
    assert words in capsys.readouterr().err
    assert not files(Path())


def test_included_files(imsgen: Run, capsys: Capture) -> None:
    """Beside the including file, or in a folder that is given."""
    Path("lib").mkdir()
    text = TIMER.read_text(encoding="utf-8")
    start, end = text.index("slot 16"), text.index("    }\n\n    vector")
    Path("lib/family.ims").write_text(text[start:end].replace("slot 16", "slot common 16"))
    own = text[:start] + "slot common;\n" + text[end:]
    Path("timer.ims").write_text('include "family.ims";\n' + own)
    assert imsgen("check", "timer.ims") == 1
    assert "there is no file `family.ims`" in capsys.readouterr().err
    assert imsgen("check", "-I", "lib", "timer.ims") == 0
    assert imsgen("timer.ims", "-I", "none", "-I", "lib", "-o", "out") == 0
    assert imsgen(TIMER, "-o", "plain") == 0
    # The layout's place is nothing that the series would show.
    made = [
        sorted(path.name for path in Path(name, "timer").iterdir()) for name in ("out", "plain")
    ]
    assert made[0] == made[1]


def test_input_that_can_not_be_read(imsgen: Run, capsys: Capture) -> None:
    """All are reported, nothing is written, the good file included."""
    Path("folder.ims").mkdir()
    assert imsgen("none.ims", "folder.ims", TIMER) == 1
    err = capsys.readouterr().err
    assert "none.ims: No such file" in err and "folder.ims: Is a directory" in err
    assert not files(Path())


@pytest.mark.parametrize("name", ["a b.ims", "a*;b.ims", "ä.ims", "-x.ims", "a\nb.ims", ".ims"])
def test_file_names_that_could_leave_their_place(imsgen: Run, capsys: Capture, name: str) -> None:
    Path(name).write_text(TIMER.read_text())
    assert imsgen(f"./{name}") == 1
    assert "can have letters, digits" in capsys.readouterr().err
    assert files(Path()) == [name]


def test_same_device_twice(imsgen: Run, capsys: Capture) -> None:
    other = small(Path(), "timer")
    assert imsgen(TIMER, other) == 1
    err = capsys.readouterr().err
    assert "would both have TIMER_IRQS" in err and "timer.ims:2" in err
    assert files(Path()) == ["timer.ims"]


def test_output_is_a_file(imsgen: Run, capsys: Capture) -> None:
    Path("out").write_text("mine")
    assert imsgen(TIMER, "-o", "out") == 1
    assert "imsgen: error: out" in capsys.readouterr().err
    assert Path("out").read_text() == "mine"


@pytest.mark.parametrize("path", ["none", "."])
def test_no_tree(imsgen: Run, capsys: Capture, path: str) -> None:
    assert imsgen(TIMER, "--tree", path) == 1
    assert f"imsgen: error: {path}: not a" in capsys.readouterr().err


def test_generator_failed_is_not_stale(
    imsgen: Run, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imsgen.generator import render

    monkeypatch.setattr(render, "check_text", lambda text: ["line 1: bad"])
    assert imsgen(TIMER, "--check") == 1
    err = capsys.readouterr().err
    assert "error: the generator failed: " in err and "stale" not in err


def process(*args: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "imsgen.generator.cli", *map(str, args)]
    return subprocess.run(command, capture_output=True, check=False, **options)  # type: ignore


@pytest.mark.slow
def test_broken_pipe_is_quiet(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "imsgen.generator.cli", str(IDXD), "-o", "-"]
    run = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    os.close(write)
    assert (run.returncode, run.stderr) == (1, b"")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="SKIP: no /dev/full here")
def test_full_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "imsgen.generator.cli", str(IDXD), "-o", "-"]
    with open("/dev/full", "wb") as full:
        run = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, check=False
        )
    assert run.returncode == 1
    assert run.stderr == b"imsgen: error: standard output: No space left on device\n"


@pytest.mark.slow
def test_colour_only_on_a_terminal(tmp_path: Path) -> None:
    import pty

    bad = tmp_path / "bad.ims"
    bad.write_text("device {\n")
    command = [sys.executable, "-m", "imsgen.generator.cli", "check", str(bad)]
    plain = subprocess.run(command, capture_output=True, check=False).stderr
    assert b"\x1b[" not in plain

    def on_terminal(**changed: str) -> bytes:
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", **changed}
        environment.pop("" if "NO_COLOR" in changed else "NO_COLOR", None)
        subprocess.run(command, stderr=theirs, env=environment, check=False)
        os.close(theirs)
        out = b""
        try:
            while chunk := os.read(ours, 4096):
                out += chunk
        except OSError:
            pass
        os.close(ours)
        return out.replace(b"\r\n", b"\n")

    assert b"\x1b[1;31m" in on_terminal()
    assert on_terminal(NO_COLOR="1") == plain
    assert on_terminal(TERM="dumb") == plain


def test_git_am_fails_where_nothing_was_made(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], cwd=tmp_path, check=True)
    made = subprocess.run(
        [sys.executable, "-m", "imsgen.generator.cli", "missing.ims", "-o", "-"],
        cwd=tmp_path,
        capture_output=True,
    )
    assert made.returncode == 1
    applied = subprocess.run([*git, "am"], cwd=tmp_path, input=made.stdout, capture_output=True)
    assert applied.returncode != 0
