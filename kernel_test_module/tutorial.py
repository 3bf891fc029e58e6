"""The tutorial from its first command to an interrupt that fires, in a whole kernel tree.

Its last part builds a kernel, so `make tutorial` runs it, and `make night`; what stands before is
run by the tests, too, in a tree of a few lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import fetch, git, host, stages, trees
from .report import Report
from .stages import Place

PAGE = "docs/tutorial.md"
NEEDS_KERNEL = "## An interrupt that fires\n"
"""Where the part begins that builds a kernel."""

LIMIT = 3000.0
"""Seconds that a command may take."""


def blocks(text: str, kind: str) -> list[str]:
    """The blocks of code of a kind on a page, in their order."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[tuple[str, str]]:
    """The commands on a page, each with what it prints."""
    pattern = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
    return [pair for block in blocks(text, "console") for pair in pattern.findall(block)]


def environment(folder: Path) -> dict[str, str]:
    """Where the commands run: imsgen is installed, the user has a name and no settings."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    env |= {"HOME": str(folder), "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    # UML keeps its memory in a file, and /dev/shm is tiny in some containers.
    env["TMPDIR"] = str(folder)
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "t", f"GIT_{who}_EMAIL": "t@localhost.invalid"}
    return env | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def faults(text: str, folder: Path) -> Iterator[str]:
    """Run the commands of a page in FOLDER, up to the first that prints something else."""
    env = environment(folder)
    for command, wanted in commands(text):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
        )
        if done.stdout != wanted:
            yield f"$ {command}"
            yield from done.stdout.splitlines()
            return
        host.say(f"  $ {command}")


def run(place: Place, report: Report) -> None:
    """The whole page, with a fresh work tree of the reference kernel. Raises `StageError`."""
    tree = stages.for_kernel(place, stages.REFERENCE)
    with tempfile.TemporaryDirectory(dir=tree.home) as name:
        linux = Path(name) / "linux"
        with fetch.locked(tree.home):
            base = trees.base_of(tree)
            git.git(tree.apply, "worktree", "add", "--quiet", "--detach", str(linux), base)
        try:
            found = list(faults((place.root / PAGE).read_text(), Path(name)))
            report.check(f"{PAGE}: every command", found)
        finally:
            git.git(tree.apply, "worktree", "remove", "--force", str(linux))
