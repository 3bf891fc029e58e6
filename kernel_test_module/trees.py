"""Apply series to a kept kernel tree, and bring the tree that is built to the result."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import git, host
from .fetch import Tree

PRISTINE = "pristine"


@dataclass(frozen=True)
class Applied:
    """A series that was applied: the commits, oldest first, and what git said about offsets."""

    base: str
    commits: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def head(self) -> str:
        """The last commit; the base when the series is empty."""
        return self.commits[-1] if self.commits else self.base


def notes_of(said: str) -> tuple[str, ...]:
    """The lines of `git apply --verbose` that mean the patch did not fit exactly as written."""
    pattern = re.compile(r"offset|fuzz|warning:|error:|Reversed|rejected|trailing whitespace")
    return tuple(line for line in said.splitlines() if pattern.search(line))


def reset(work: Path, commit: str) -> None:
    """Bring a work tree to COMMIT. Files that don't change keep their times."""
    directory = Path(git.git(work, "rev-parse", "--absolute-git-dir"))
    for left_over in ("index.lock", "HEAD.lock"):
        (directory / left_over).unlink(missing_ok=True)
    shutil.rmtree(directory / "rebase-apply", ignore_errors=True)
    git.git(work, "reset", "--quiet", "--hard", commit)
    git.git(work, "clean", "-fdxq")


def base_of(tree: Tree) -> str:
    """The commit of the untouched kernel."""
    commit = git.resolve(tree.apply, f"refs/heads/{PRISTINE}")
    if not commit:
        raise host.StageError(f"{tree.home.name} has no pristine commit; remove it and try again")
    return commit


def split(mbox: bytes, into: Path) -> tuple[Path, ...]:
    """One file per message of MBOX, in order."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    (into / "mbox").write_bytes(mbox)
    git.git(into, "mailsplit", f"-o{into}", "--", str(into / "mbox"))
    (into / "mbox").unlink()
    return tuple(sorted(into.iterdir()))


def check_fit(tree: Tree, patch: Path) -> tuple[str, ...]:
    """What `git apply` has to say about PATCH on the applying work tree; empty is a clean fit."""
    done = subprocess.run(
        git.command("apply", "--check", "--verbose", str(patch)),
        cwd=tree.apply,
        env=git.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return notes_of(done.stdout)


def apply_series(tree: Tree, base: str, mbox: bytes, label: str) -> Applied:
    """`git am` MBOX on BASE. An offset or a warning is noted; what doesn't apply raises.

    The result is kept under a ref named by the content, so that a second run is quick.
    """
    key = hashlib.sha256(base.encode() + b"\0" + mbox).hexdigest()
    ref = f"refs/imsgen/{key}"
    kept = git.resolve(tree.apply, ref)
    if kept:
        reset(tree.apply, kept)
        return Applied(base, commits_between(tree, base, kept), ())
    reset(tree.apply, base)
    notes: list[str] = []
    for patch in split(mbox, tree.home / "patches"):
        notes.extend(f"{patch.name}: {note}" for note in check_fit(tree, patch))
        done = subprocess.run(
            git.command("am", "--quiet", str(patch)),
            cwd=tree.apply,
            env=git.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise host.StageError(f"{label}: git am failed\n{host.tail(done.stdout)}")
        notes.extend(f"{patch.name}: {line}" for line in done.stdout.splitlines() if line.strip())
    head = git.git(tree.apply, "rev-parse", "HEAD")
    if not notes:
        git.git(tree.apply, "update-ref", ref, head)
    return Applied(base, commits_between(tree, base, head), tuple(notes))


def commits_between(tree: Tree, base: str, head: str) -> tuple[str, ...]:
    """The commits after BASE up to HEAD, oldest first."""
    return tuple(git.git(tree.apply, "rev-list", "--reverse", f"{base}..{head}").split())


def subject(tree: Tree, commit: str) -> str:
    """The first line of a commit's message."""
    return git.git(tree.apply, "log", "-1", "--format=%s", commit)


def added_files(tree: Tree, base: str, head: str) -> tuple[str, ...]:
    """The files that are in HEAD and not in BASE."""
    command = ("diff", "--name-only", "--no-renames", "--diff-filter=A", base, head)
    return tuple(git.git(tree.apply, *command).split())


def work_at(tree: Tree, commit: str) -> Path:
    """Bring the work tree that is built to COMMIT; make it first if it isn't whole."""
    stamp = tree.work.with_suffix(".stamp")
    if not stamp.exists():
        shutil.rmtree(tree.work, ignore_errors=True)
        git.git(tree.apply, "worktree", "prune")
        git.git(tree.apply, "worktree", "add", "--quiet", "--detach", str(tree.work), commit)
        stamp.touch()
    reset(tree.work, commit)
    return tree.work


def add_driver(work: Path, sources: Path, name: str) -> None:
    """Put a test driver, all files in SOURCES, into drivers/misc/NAME of a prepared work tree.

    It is never part of a series.
    """
    target = work / "drivers" / "misc" / name
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted(sources.iterdir()):
        if source.suffix != ".ims":
            shutil.copyfile(source, target / source.name)
    makefile = work / "drivers/misc/Makefile"
    line = f"obj-y\t\t\t\t+= {name}/\n"
    if line not in makefile.read_text():
        makefile.write_text(makefile.read_text() + line)
    menu = work / "drivers/misc/Kconfig"
    line = f'source "drivers/misc/{name}/Kconfig"\n'
    if line not in menu.read_text():
        head, _, tail = menu.read_text().rpartition("endmenu\n")
        menu.write_text(f"{head}{line}endmenu\n{tail}")
