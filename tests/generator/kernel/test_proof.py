"""Series proven on trees that are git repositories, which stay as they are."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.dsl.model import Device
from imsgen.generator.kernel.edits import FileDiff
from imsgen.generator.kernel.proof import ProofError, is_repository, prove
from imsgen.generator.kernel.target import probe
from imsgen.generator.patches import Commit
from imsgen.generator.series import Planner

from ..conftest import EXAMPLES, git

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]
TIMER = EXAMPLES / "timer.ims"


def commits(tree: Path, device: Device) -> tuple[Commit, ...]:
    return Planner(probe(str(tree))).series([device]).commits


def state(tree: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(tree.rglob("*")) if p.is_file()}


def test_applies_to_the_commit_and_changes_nothing(git_tree: Path, idxd: Device) -> None:
    made = commits(git_tree, idxd)
    before = state(git_tree)
    assert prove(str(git_tree), made) == git(git_tree, "rev-parse", "HEAD").strip()
    assert state(git_tree) == before


@pytest.mark.slow
def test_a_second_work_tree(git_tree: Path, tmp_path: Path, timer: Device) -> None:
    other = tmp_path / "other: tree"
    git(git_tree, "worktree", "add", "-q", str(other), "-b", "other")
    assert is_repository(str(other))
    assert prove(str(other), commits(other, timer))


@pytest.mark.slow
def test_what_the_process_was_told_of_git(
    git_tree: Path, timer: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook, or `git rebase --exec`."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(git_tree / "nowhere"))
    assert prove(str(git_tree), commits(git_tree, timer))
    assert not (git_tree / "nowhere").exists()


@pytest.mark.slow
def test_touched_files_have_to_be_committed(git_tree: Path, idxd: Device) -> None:
    made = commits(git_tree, idxd)
    kconfig = git_tree / "drivers/irqchip/Kconfig"
    kconfig.write_text(kconfig.read_text() + "\n")
    (git_tree / "Kbuild").write_text("# nothing of ours\n")
    with pytest.raises(ProofError, match=r"committed: drivers/irqchip/Kconfig$"):
        prove(str(git_tree), made)
    git(git_tree, "checkout", "-q", "--", "drivers")
    assert prove(str(git_tree), made)


def test_a_file_that_is_not_committed_at_all(git_tree: Path, idxd: Device) -> None:
    git(git_tree, "rm", "-q", "--cached", "drivers/irqchip/Makefile")
    git(git_tree, "commit", "-q", "-m", "without")
    with pytest.raises(ProofError, match="not as it was committed: drivers/irqchip/Makefile"):
        prove(str(git_tree), commits(git_tree, idxd))


@pytest.mark.parametrize(
    ("hunk", "words"),
    [
        ("@@ -1 +1 @@\n-# Kbuilt\n+# other\n", "patch failed: Kbuild:1"),
        ("@@ -2 +2 @@\n-# Kbuild\n+# other\n", "patch 1, 'wrong': .*offset"),
    ],
)
def test_a_patch_that_does_not_fit(git_tree: Path, hunk: str, words: str) -> None:
    made = Commit("wrong", "", (FileDiff("Kbuild", False, 1, 1, hunk),))
    with pytest.raises(ProofError, match=words):
        prove(str(git_tree), [made])


def test_no_commit_yet(tree: Path, timer: Device) -> None:
    git(tree, "init", "-q")
    with pytest.raises(ProofError, match="does not exist"):
        prove(str(tree), commits(tree, timer))


@pytest.mark.slow
def test_nothing_is_written_without_proof(imsgen: Run, git_tree: Path, capsys: Capture) -> None:
    maintainers = git_tree / "MAINTAINERS"
    maintainers.write_text(maintainers.read_text() + "\n")
    for output in ("out", "-"):
        assert imsgen(TIMER, "--tree", git_tree, "-o", output) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith(
            f"imsgen: error: {git_tree}: git am would not"
        )
        assert not os.path.exists("out")
    git(git_tree, "checkout", "-q", "--", "MAINTAINERS")
    assert imsgen(TIMER, "--tree", git_tree, "-o", "out") == 0


def test_a_tree_that_is_no_repository(
    imsgen: Run, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are all that there is; git isn't asked, not for a repository around it either."""
    git(tmp_path, "init", "-q")
    monkeypatch.setattr("imsgen.generator.kernel.proof.prove", None)
    assert not is_repository(str(tree))
    assert imsgen(TIMER, "--tree", tree, "-o", "out") == 0


def test_without_git(
    imsgen: Run, git_tree: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "git", None)
    assert imsgen(TIMER, "--tree", git_tree, "-o", "out") == 1
    assert "is a git repository, but " in capsys.readouterr().err
    assert imsgen(TIMER, "--kernel", "linux-6.12", "-o", "out") == 0
