"""A series and the git repository that its tree is: git applies the one to the other, in a copy.

Loaded for trees only, and GitPython for trees that are repositories.  Nothing is written to the
repository: the index holds the touched files alone, and it and new objects are in a folder of
their own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..patches import Commit

if TYPE_CHECKING:
    from git import Repo
    from git.objects import Blob

#: What a hook or `git rebase --exec` tells its processes of a repository, which may be another.
TOLD = """
    GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_DIR GIT_INDEX_FILE GIT_NAMESPACE
    GIT_OBJECT_DIRECTORY GIT_PREFIX GIT_WORK_TREE
""".split()

#: Files that are named when there are more.
MAX_NAMED = 5


class ProofError(Exception):
    """The series doesn't apply to what is committed, or that can't be found out."""


def is_repository(root: str) -> bool:
    """Whether the tree is a work tree of git, and not only a folder in one."""
    return os.path.exists(os.path.join(root, ".git"))


def prove(root: str, commits: Sequence[Commit]) -> str:
    """Apply the commits to the one that is checked out at ``root``, which is returned.

    Raises :class:`ProofError`, too where a file that they touch is not as it was committed:
    ``git am`` would refuse there.
    """
    with repository_of(root) as repository:
        head = repository.head.commit
        touched = sorted({diff.path for commit in commits for diff in commit.diffs})
        check_committed(repository, touched)
        blobs = {path: _committed(repository, path) for path in touched}
        with tempfile.TemporaryDirectory(prefix="imsgen-") as scratch:
            _apply(repository, blobs, commits, scratch)
        return str(head.hexsha)


def check_committed(repository: Repo, paths: Iterable[str]) -> None:
    """Raise :class:`ProofError` where a file of the work tree isn't as it was committed."""
    root = str(repository.working_dir)
    changed = [path for path in paths if not _same(root, path, _committed(repository, path))]
    if changed:
        raise ProofError(
            f"{root}: git am would not take the series, commit or stash what is "
            f"not as it was committed: {_names(changed)}"
        )


@contextmanager
def repository_of(root: str) -> Iterator[Repo]:
    """The repository that the tree is.  Raises :class:`ProofError` for whatever git can't do."""
    try:
        import git
    except ImportError as error:
        raise ProofError(f"{root} is a git repository, but {_first_line(error)}") from error
    try:
        with _told_nothing(), git.Repo(root) as repository:
            yield repository
    except (git.exc.GitError, ValueError, OSError) as error:
        raise ProofError(f"{root}: {_reason(error)}") from error


@contextmanager
def _told_nothing() -> Iterator[None]:
    told = {name: os.environ.pop(name) for name in TOLD if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(told)


def _committed(repository: Repo, path: str) -> Blob | None:
    try:
        found = repository.head.commit.tree / path
    except KeyError:
        return None
    return found if found.type == "blob" else None


def _same(root: str, path: str, blob: Blob | None) -> bool:
    try:
        with open(os.path.join(root, path), "rb") as file:
            return blob is not None and file.read() == blob.data_stream.read()
    except FileNotFoundError:
        return blob is None


def _apply(
    repository: Repo, blobs: dict[str, Blob | None], commits: Sequence[Commit], scratch: str
) -> None:
    objects = os.path.join(scratch, "objects")
    os.makedirs(os.path.join(objects, "info"))
    with open(os.path.join(objects, "info", "alternates"), "w", encoding="utf-8") as file:
        file.write(os.path.join(os.path.abspath(repository.common_dir), "objects") + "\n")
    git = repository.git
    git.update_environment(
        GIT_INDEX_FILE=os.path.join(scratch, "index"), GIT_OBJECT_DIRECTORY=objects
    )
    for path, blob in blobs.items():
        if blob is not None:
            git.update_index("--add", "--cacheinfo", f"{blob.mode:o},{blob.hexsha},{path}")
    for number, commit in enumerate(commits, 1):
        patch = os.path.join(scratch, f"{number}.patch")
        with open(patch, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.writelines(diff.text() for diff in commit.diffs)
        options = ("--cached", "--verbose", "--whitespace=nowarn", "--no-ignore-whitespace")
        said = git.apply(*options, patch, with_extended_output=True)[2]
        moved = [line for line in said.splitlines() if "offset" in line or "fuzz" in line]
        if moved:
            raise ProofError(f"patch {number}, {commit.subject!r}: {moved[0]}")


def _names(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return ", ".join(paths[:MAX_NAMED]) + more


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _reason(error: Exception) -> str:
    """What git said, which GitPython puts behind the command line."""
    said: Iterable[str] = str(getattr(error, "stderr", "") or error).splitlines()
    lines = [line.strip().removeprefix("stderr: ").strip("' ") for line in said]
    wrong = [line for line in lines if line.startswith(("error: ", "fatal: "))]
    return "; ".join(wrong[:3]) or f"{type(error).__name__}: {_first_line(error)}"
