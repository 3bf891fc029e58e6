"""Against the reference kernel itself: IMSGEN_TREE is a git tree whose HEAD is pristine 6.12."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from imsgen.dsl.model import Device
from imsgen.generator import patches
from imsgen.generator.series import Planner, series_files
from imsgen.generator.targets import DEFAULT, PROFILES, Target, probe, record

from .conftest import git

pytestmark = pytest.mark.kernel

#: What scripts/checkpatch.pl --strict says of a patch that nobody has signed off, and nothing else.
UNSIGNED = ["ERROR: Missing Signed-off-by: line(s)"]


@pytest.fixture(scope="module")
def kernel() -> str:
    tree = os.environ.get("IMSGEN_TREE")
    if not tree:
        pytest.skip("SKIP: IMSGEN_TREE names no pristine git tree of Linux 6.12")
    return tree


@pytest.fixture(scope="module")
def worktree(kernel: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tree of its own, with the files that the tests need."""
    path = tmp_path_factory.mktemp("kernel") / "linux"
    git(Path(kernel), "clone", "-q", "-s", "-n", ".", str(path))
    git(path, "checkout", "-q", "-B", "work", "HEAD")
    yield path


def test_profile_is_that_of_the_tree(kernel: str) -> None:
    with Path(PROFILES, f"{DEFAULT}.json").open() as file:
        assert record(kernel) == json.load(file)


def test_tree_and_profile_give_the_same(
    kernel: str, profile: Target, idxd: Device, timer: Device
) -> None:
    tree = probe(kernel)
    for device in (idxd, timer):
        ours, theirs = (series_files(Planner(t).series([device])) for t in (tree, profile))
        assert ours == theirs


def test_both_devices_apply_and_checkpatch_is_silent(
    worktree: Path, idxd: Device, timer: Device
) -> None:
    """The first onto the pristine tree, the second onto that; no fuzz, as git knows none."""
    for device, count in ((idxd, 10), (timer, 3)):
        made = Planner(probe(str(worktree))).series([device])
        assert len(made.commits) == count
        git(worktree, "am", "-q", text=patches.mbox(made.commits, "0.1.0"))
        for path, text in made.files.items():
            assert (worktree / path).read_text() == text
        for number, commit in enumerate(made.commits, 1):
            mail = patches.patch(commit, number, count, "0.1.0")
            run = subprocess.run(
                ["perl", "scripts/checkpatch.pl", "--strict", "--terse", "--no-summary", "-"],
                input=mail.encode(),
                cwd=worktree,
                capture_output=True,
                check=False,
            )
            said = [line.split(": ", 1)[1] for line in run.stdout.decode().splitlines() if line]
            assert said == UNSIGNED, commit.subject
    assert not git(worktree, "status", "--porcelain")
