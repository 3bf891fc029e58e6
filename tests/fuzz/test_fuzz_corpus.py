"""What has once been too slow or has crashed, and a few fresh cases of each part."""

from __future__ import annotations

from pathlib import Path

import fuzz
import fuzz_inputs
import pytest


@pytest.mark.parametrize("path", sorted(fuzz_inputs.CORPUS.glob("*.ims")), ids=lambda p: p.stem)
def test_corpus(path: Path) -> None:
    run = fuzz.Run(0)
    fuzz.PARTS["inputs"] = lambda rng, folder: fuzz_inputs._checked(path.read_bytes())[0]
    try:
        run.case("inputs", 0)
    finally:
        fuzz.PARTS["inputs"] = fuzz_inputs.inputs
    assert not run.failed


@pytest.mark.slow
@pytest.mark.parametrize("part", sorted(fuzz.PARTS))
def test_a_few_cases(part: str) -> None:
    run = fuzz.Run(1)
    for number in range(40):
        run.case(part, number)
    assert not run.failed
    # Few descriptions with holes are still right.
    outcomes = set(fuzz.BOTH[part]) - ({"taken"} if part == "inputs" else set())
    assert outcomes <= set(run.counts[part])
