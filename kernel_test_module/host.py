"""What all stages share: errors, directories, running commands with visible progress."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TICK = 10.0
"""Seconds between two lines of progress."""

LOOK = 1.0
"""Seconds between two looks at what a command has printed."""

KILLED = -int(signal.SIGKILL)
"""The exit code of a command that was ended."""

TAIL = 40
"""Lines of a log that are shown when something failed."""


_running: set[subprocess.Popen[bytes]] = set()
_stopped = threading.Event()


class StageError(Exception):
    """A stage can't go on. The text is for the user: what failed, and what to look at."""


class Unavailable(StageError):
    """Something outside of this project is not to be had here (a suite, a package)."""


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's cache directory for imsgen: XDG_CACHE_HOME if absolute, else ~/.cache."""
    base = environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path(environ.get("HOME", "/root")) / ".cache"
    return root / "imsgen"


def say(text: str) -> None:
    """Print one line, at once."""
    print(text, flush=True)


def tail(text: str, lines: int = TAIL) -> str:
    """The last LINES lines of TEXT, each indented."""
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


def last_line(path: Path) -> str:
    """The last line in a log that is still written; empty when there is none."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 2000))
        lines = stream.read().decode(errors="replace").split("\n")
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> str:
    """Run a short command and give its standard output. Raises `StageError` with what it said."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        input=stdin if stdin is not None else b"",
        capture_output=True,
    )
    out = done.stdout.decode(errors="replace")
    if done.returncode:
        both = out + done.stderr.decode(errors="replace")
        raise StageError(f"{show(command)} ended with {done.returncode}:\n{tail(both)}")
    return out


def show(command: Sequence[str | Path]) -> str:
    """A command as one would type it, cut to one line."""
    line = " ".join(str(word) for word in command)
    return line if len(line) < 120 else line[:117] + "..."


def stop() -> None:
    """End all commands that are followed; their threads get a KeyboardInterrupt, now or with the
    next command."""
    _stopped.set()
    for child in tuple(_running):
        kill(child)


def kill(child: subprocess.Popen[bytes]) -> None:
    """End a followed command and its children."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def follow(
    label: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit: float,
    enough: str = "",
) -> int:
    """Run a long command, its output into LOG, a line of progress every `TICK` seconds.

    LIMIT is in seconds; past it the command and its children are killed. So they are a second after
    a line that matches the regular expression ENOUGH. Returns the exit code, `KILLED` for that.
    Raises `StageError` on the limit, KeyboardInterrupt after `stop()`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    begin, told = time.monotonic(), 0.0
    with log.open("wb") as stream:
        child = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _running.add(child)
        try:
            while not _stopped.is_set():
                left = limit - (time.monotonic() - begin)
                try:
                    return child.wait(max(0.0, min(LOOK if enough else TICK, left)))
                except subprocess.TimeoutExpired:
                    pass
                passed = time.monotonic() - begin
                if passed >= limit:
                    said = tail(log.read_text(errors="replace"))
                    raise StageError(f"{label}: no end after {limit:.0f} s\n{said}")
                if enough and re.search(enough, log.read_text(errors="replace"), re.MULTILINE):
                    return KILLED
                if passed >= told + TICK:
                    told += TICK
                    say(f"  {label}: {passed:.0f} s, {last_line(log)[:80]}")
            raise KeyboardInterrupt
        finally:
            _running.discard(child)
            if child.poll() is None:
                kill(child)
                child.wait()


def must_follow(
    label: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit: float,
) -> str:
    """As `follow()`, but any exit code other than 0 raises `StageError`. Returns the output."""
    begin = time.monotonic()
    code = follow(label, command, log, cwd=cwd, env=env, limit=limit)
    text = log.read_text(errors="replace")
    if code:
        raise StageError(f"{label}: {show(command)} ended with {code}\n{tail(text)}")
    say(f"  {label}: done in {time.monotonic() - begin:.0f} s")
    return text


def plain_env(**more: str) -> dict[str, str]:
    """This environment without what would change a build: make's own, git's, locales."""
    drop = (
        "MAKE",
        "MFLAGS",
        "GNUMAKEFLAGS",
        "GIT_",
        "LC_",
        "LANG",
        "KBUILD_",
        "KCONFIG_",
        "ARCH",
        "CROSS_",
        "LLVM",
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith(drop)}
    return env | {"LC_ALL": "C"} | more


def fail(text: str) -> None:
    """Say on standard error what went wrong."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)
