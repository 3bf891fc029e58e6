"""Runs that are killed while they write: whoever looks finds all files old or all new."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from imsgen.generator import cli, emit

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: What changes something on disk; a child can be made to end before each.
STEPS = ("mkdir", "rename", "replace", "link", "unlink", "rmdir", "open", "write", "chmod")

Tree = dict[str, bytes]


def tree(folder: Path) -> Tree:
    """All files below a folder, stages included."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def arguments(out: Path, example: str, kind: str, signoff: bool) -> list[str]:
    """A command line; with and without the sign-off every patch differs."""
    args = [str(EXAMPLES / f"{example}.ims"), "-o", str(out), "--kernel", "linux-6.12"]
    args += ["--sources"] if kind == "sources" else []
    return args + (["--signoff", "A B <a@localhost.invalid>"] if signoff else [])


def quiet(args: list[str]) -> int:
    """Run the command line in this process without its output."""
    sys.stdout.flush()
    kept, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        return cli.main(args)
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)


def start(args: list[str], step: int = 0, number: int = 0, wait: bool = False) -> int:
    """The command line in a child; with ``step`` it gets a signal before that step on the disk.

    With ``wait`` this returns when the child begins to write, or is over.
    """
    ready, tell = os.pipe()
    # Not while Python puts itself in order after the fork.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS[1:])
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(tell)
        if wait:
            os.read(ready, 1)
        os.close(ready)
        return child
    try:
        os.close(ready)
        real = emit.write

        def write(*args: Any) -> dict[str, emit.Comparison]:
            os.close(tell)
            return real(*args)

        emit.write = write
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for other in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if step:
            _count_steps(step, number)
        sys.argv = ["imsgen", *args]
        os._exit(cli.main())
    except KeyboardInterrupt:
        os._exit(130)  # before there was anything to end
    except BaseException:
        Path(tempfile.gettempdir(), "fuzz-kills.txt").write_text(traceback.format_exc())
        os._exit(99)


def _count_steps(step: int, number: int) -> None:
    left = step

    def counted(name: str) -> None:
        real = getattr(os, name)

        def do(*args: object, **kwargs: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)
            return real(*args, **kwargs)

        setattr(os, name, do)

    for name in STEPS:
        counted(name)


def ended(child: int) -> int:
    """The exit code of a child, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def stages(folder: Path) -> list[str]:
    """What runs leave behind, anywhere below."""
    return [str(path) for path in folder.rglob(".imsgen-*")]


class Victim:
    """An output folder whose two possible contents are known, with files of somebody else in it."""

    def __init__(self, root: Path, example: str, kind: str) -> None:
        self.out, self.example, self.kind = root / "out", example, kind
        self.folder = self.out / example
        self.wanted: list[Tree] = []
        for signoff in (False, True):
            assert quiet(self.arguments(signoff)) == 0
            inner = self.folder / "linux-6.12" if kind == "sources" else self.folder
            (inner / "mine").mkdir(exist_ok=True)
            (inner / "mine" / "notes.txt").write_text("mine\n")
            self.wanted.append(tree(self.folder))
        self.now = True

    def arguments(self, signoff: bool) -> list[str]:
        return arguments(self.out, self.example, self.kind, signoff)

    def look(self) -> str:
        """Which of the two it is; "" for neither."""
        found = {name: data for name, data in tree(self.folder).items() if ".imsgen-" not in name}
        return "old" if found == self.wanted[self.now] else (
            "new" if found == self.wanted[not self.now] else ""
        )  # fmt: skip

    def check(self, what: str) -> str:
        """Look after a kill, then after a run that isn't killed.  Gives what was found first."""
        first = self.look()
        assert first, f"{what}: old and new files are mixed: {sorted(tree(self.folder))}"
        if first == "new":
            self.now = not self.now
        assert quiet(self.arguments(self.now)) == 0, what
        assert self.look() == "old", f"{what}: the next run didn't make it right"
        assert not stages(self.out), f"{what}: left after the next run: {stages(self.out)}"
        return first


def kills(rng: random.Random, count: int, root: Path, number: int) -> Counter[str]:
    """``count`` runs that get the signal at any time."""
    found: Counter[str] = Counter()
    victims = []
    for example, kind in (("idxd", "plain"), ("crypto1", "sources")):
        inner = root / f"{example}-{kind}"
        inner.mkdir()
        victims.append(Victim(inner, example, kind))
    times = {}
    for victim, wait in itertools.product(victims, (False, True)):
        spent = []
        for _ in range(5):
            begun = time.perf_counter()
            child = start(victim.arguments(not victim.now), wait=wait)
            begun = time.perf_counter() if wait else begun
            assert ended(child) == 0
            victim.now = not victim.now
            spent.append(time.perf_counter() - begun)
        times[victim, wait] = sorted(spent)[2]
    for case in range(count):
        # One in four at any time of the whole run, the others while files are written.
        victim, wait = victims[case % 2], case % 8 > 1
        child = start(victim.arguments(not victim.now), wait=wait)
        time.sleep(rng.random() * times[victim, wait])
        os.kill(child, number)
        code = ended(child)
        assert code in (0, -number, 128 + number), f"exit code {code}"
        found["left a stage"] += bool(stages(victim.out))
        what = f"signal {number}, case {case}"
        found["ended by it" if code else "was too late"] += 1
        found[f"{victim.check(what)} files"] += 1
    return found


def steps(root: Path, number: int, example: str, kind: str, stride: int = 1) -> Counter[str]:
    """A signal before each step on the disk (or each so many), one run each."""
    found: Counter[str] = Counter()
    victim = Victim(root, example, kind)
    for step in range(1, 1000, stride):
        code = ended(start(victim.arguments(not victim.now), step, number))
        assert code in (0, -number, 128 + number), f"step {step}: exit code {code}"
        found[f"{victim.check(f'signal {number} before step {step}')} files"] += 1
        if code == 0:
            return found
    raise AssertionError("a run has too many steps")


def pairs(count: int, root: Path) -> Counter[str]:
    """Two runs at once into one new folder: both succeed, whatever the order."""
    found: Counter[str] = Counter()
    for case in range(count):
        out = root / "deep" / "out"
        kind = ("plain", "sources")[case % 2]
        children = [start(arguments(out, "idxd", kind, signoff)) for signoff in (False, True)]
        codes = [ended(child) for child in children]
        assert codes == [0, 0], f"pair {case}: {codes}"
        made = tree(out)
        assert not stages(root), f"pair {case}"
        same = []
        for signoff in (False, True):
            assert quiet(arguments(out, "idxd", kind, signoff)) == 0
            same.append(tree(out) == made)
        assert any(same), f"pair {case}: mixed"
        found["the first one was last" if same[0] else "the second one was last"] += 1
        shutil.rmtree(root / "deep")
    return found
