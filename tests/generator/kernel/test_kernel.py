"""Against the reference kernel itself: IMSGEN_TREE is a git tree whose HEAD is pristine 6.12.

That the series apply, and what checkpatch says, is checked by the runner on the same tree.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from imsgen.dsl.model import Device
from imsgen.generator.kernel.proof import prove
from imsgen.generator.kernel.target import DEFAULT, PROFILES, Target, probe, record
from imsgen.generator.series import Planner, series_files

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def kernel() -> str:
    tree = os.environ.get("IMSGEN_TREE")
    if not tree:
        pytest.skip("SKIP: IMSGEN_TREE names no pristine git tree of Linux 6.12")
    return tree


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


def test_the_series_applies_to_the_commit(kernel: str, idxd: Device, timer: Device) -> None:
    assert prove(kernel, Planner(probe(kernel)).series([idxd, timer]).commits)
