"""Streams that are closed or full, odd names and encodings, signals: a word each, no traceback."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import EXAMPLES

TIMER, IDXD = EXAMPLES / "timer.ims", EXAMPLES / "idxd.ims"
IMSGEN = shlex.join([sys.executable, "-m", "imsgen.generator.cli"])
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="SKIP: no /dev/full here")


def shell(folder: Path, command: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """A command line of the shell, where IMSGEN and TIMER are set."""
    run = subprocess.run(
        ["sh", "-c", f'imsgen() {{ {IMSGEN} "$@"; }}; {command}'],
        cwd=folder,
        env={**os.environ, "TIMER": str(TIMER), **env},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert b"Traceback" not in run.stderr and b"Exception" not in run.stderr, run.stderr.decode()
    return run


@pytest.mark.slow
@FULL
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("imsgen $TIMER -o out >/dev/full", 1),
        ("imsgen $TIMER -o - >/dev/full", 1),
        ("imsgen $TIMER -o out --diff >/dev/full", 1),
        ("imsgen --help >/dev/full", 1),
        ("imsgen --nothing 2>/dev/full", 2),
        ("imsgen simulate $TIMER --queues 2 >/dev/full", 1),
        ("imsgen check none.ims 2>/dev/full", 1),
        ("imsgen check $TIMER >/dev/full 2>/dev/full", 0),
    ],
)
def test_full(tmp_path: Path, command: str, code: int) -> None:
    run = shell(tmp_path, command)
    assert run.returncode == code
    if "2>" not in command and "simulate" not in command:
        assert run.stderr == b"imsgen: error: standard output: No space left on device\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("imsgen $TIMER -o out >&-", 1),
        ("imsgen $TIMER -o - >&-", 1),
        ("imsgen $TIMER -o out <&-", 0),
        ("imsgen check $TIMER >&- 2>&- <&-", 0),
        ("imsgen check none.ims 2>&-", 1),
        ("imsgen check none.ims >&- 2>&-", 1),
    ],
)
def test_closed(tmp_path: Path, command: str, code: int) -> None:
    """Nothing that is said gets into a file that is opened in the place of a closed stream."""
    run = shell(tmp_path, command)
    assert run.returncode == code
    if code and "2>" not in command:
        assert run.stderr == b"imsgen: error: standard output: Bad file descriptor\n"
    if "-o out" in command:
        made = len(list((tmp_path / "out/timer").iterdir()))
        assert shell(tmp_path, "imsgen $TIMER -o out").stdout == (
            f"out/timer: 0 written, {made} unchanged\n".encode()
        )


@pytest.mark.slow
def test_folder_that_is_gone(tmp_path: Path) -> None:
    gone = "mkdir gone; cd gone; rmdir ../gone; "
    run = shell(tmp_path, f"{gone} imsgen $TIMER -o {tmp_path}/out")
    assert (run.returncode, run.stderr) == (0, b"")
    run = shell(tmp_path, f"{gone} imsgen $TIMER")  # at once, without waiting for other runs
    assert run.returncode == 1 and b"No such file or directory" in run.stderr
    run = shell(tmp_path, f"{gone} imsgen check timer.ims --nothing")
    assert run.returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16", "cp037"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "\u00fc\u4e2d"
    folder.mkdir()
    (folder / "bad.ims").write_text('device d "\u00fc" { }\n')
    for command in ("check bad.ims", f"{TIMER} -o .", f"{TIMER} -o - --signoff '\u00fc <a@b>'"):
        run = shell(folder, f"imsgen {command}", PYTHONIOENCODING=encoding)
        assert run.returncode == ("bad" in command)
        run = shell(tmp_path, f"imsgen {command}", LC_ALL="C", PYTHONUTF8="0")


ODD = "a\n::add-mask::x\n\x1b]0;t\x07\u202e\udcff"


@pytest.mark.slow
@pytest.mark.parametrize(
    "args",
    [
        [f"{ODD}/none.ims"],
        ["check", f"{ODD}/none.ims"],
        [f"./{ODD}.ims"],
        [str(TIMER), f"--{ODD}"],
        [str(TIMER), "--tree", ODD],
        [str(TIMER), "--kernel", ODD],
        [str(TIMER), "--signoff", ODD],
        [str(TIMER), "-o", ODD],
        [str(TIMER), "-o", ODD, "--check"],
        ["simulate", str(TIMER), ODD],
        ["simulate", str(TIMER), "--plot", f"{ODD}.svg"],
        ["check", "-I", ODD, "include.ims"],
        ["check", f"{ODD}/bad.ims"],
        ["check", f"{ODD}/bad.ims", "--json"],
        ["check", f"{ODD}/bad.ims", "--sarif"],
        ["diff", f"{ODD}/good.ims", str(IDXD)],
        ["diff", f"{ODD}/good.ims", str(IDXD), "--json"],
        ["dump", f"{ODD}/bad.ims"],
        ["explain", ODD],
        ["fmt", f"{ODD}/none.ims"],
        ["fmt", f"{ODD}/good.ims"],
        ["fmt", f"{ODD}/good.ims", "--check"],
        ["fmt", f"{ODD}/good.ims", "--diff"],
        ["new", ODD],
    ],
)
def test_names_do_not_get_out(tmp_path: Path, args: list[str]) -> None:
    """Neither a line of its own, which a log may take for a command, nor what moves a cursor."""
    (tmp_path / ODD).mkdir()
    (tmp_path / ODD / "bad.ims").write_text("device {\n")
    (tmp_path / ODD / "good.ims").write_text(TIMER.read_text() + "\n\n")
    (tmp_path / f"{ODD}.ims").write_text("device {\n")
    (tmp_path / "include.ims").write_text('include "none.ims";\n')
    run = subprocess.run(
        [*shlex.split(IMSGEN), *args], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    said = (run.stdout + run.stderr).decode()
    assert "Traceback" not in said and said
    assert not any(line.startswith("::") for line in said.split("\n"))
    assert all(line.isprintable() for line in said.split("\n"))


def waits_in(folder: Path, pid: int) -> bool:
    """Whether a process has opened a folder, which it does in order to lock it."""
    try:
        opened = list(Path(f"/proc/{pid}/fd").iterdir())
        return any(os.readlink(path) == str(folder) for path in opened)
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals(tmp_path: Path, number: signal.Signals) -> None:
    """While it waits for another run: the exit code says which signal, and nothing else does."""
    from imsgen.generator import folders

    with folders.locked([str(tmp_path / "out")]):
        run = subprocess.Popen(
            [*shlex.split(IMSGEN), str(TIMER), "-o", str(tmp_path / "out")],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Whoever runs the tests may ignore it
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL) and None,
        )
        while not waits_in(tmp_path / "out", run.pid) and run.poll() is None:
            time.sleep(0.1)
        time.sleep(0.5)
        run.send_signal(number)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (128 + number, b"", b"")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.slow
def test_nohup(tmp_path: Path) -> None:
    run = shell(tmp_path, "trap '' HUP; imsgen $TIMER -o out & kill -HUP $!; wait $!")
    assert run.returncode == 0
