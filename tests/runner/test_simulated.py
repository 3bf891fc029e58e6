"""The comparison of the simulator with a booted kernel notices what it has to notice."""

from __future__ import annotations

import json
import re

import pytest

from imsgen.kernel_test_module import host, simulated
from imsgen.kernel_test_module.report import Report


@pytest.fixture(scope="module")
def log() -> list[str]:
    """What a kernel prints which does the same."""
    lines = [line for _, make in simulated.TESTS.values() for line in make(simulated.MACHINE.cpus)]
    return [f"[    1.000000]     # x: sim: {json.dumps(line)}" for line in lines]


def compare(log: list[str]) -> tuple[Report, dict[str, bool]]:
    report = Report()
    summary = simulated.compare("\n".join(log), report)
    return report, {line["test"]: line["same"] for line in summary}


def test_random_numbers() -> None:
    """The first ones of xorshift32 from its usual seed."""
    random = simulated.Random(2463534242)
    assert [random.next() for _ in range(3)] == [723471715, 2497366906, 2064144800]


@pytest.mark.slow
def test_the_same(log: list[str]) -> None:
    report, same = compare(log)
    assert not report.failures and same == {"random": True, "short": True, "scale": True}


@pytest.mark.slow
def test_pools_run_out() -> None:
    """Else there would be little to compare."""
    *_, last = simulated.short_lines(16)
    assert last["shared_full"] > 100 and last["failed"] > 100 and last["elsewhere"] > 20
    operations = simulated.Operations(16)
    *_, last = operations.lines()
    assert last["ctrl"][2] > 100 and last["comp"][3] > 100
    assert operations.comp.allowed < operations.comp.size


@pytest.mark.slow
@pytest.mark.parametrize("test", simulated.TESTS)
@pytest.mark.parametrize("fault", ("changed", "missing", "more", "silent"))
def test_a_difference_is_found(test: str, fault: str, log: list[str]) -> None:
    own = [number for number, line in enumerate(log) if f'"test": "{test}"' in line]
    lines = list(log)
    if fault == "changed":
        lines[own[-1]] = re.sub(r"(\d+)\}|(\d+)\]\}", "77]}", lines[own[-1]]).replace(
            '"failed": 77]', '"failed": 77'
        )
    elif fault == "missing":
        del lines[own[-1]]
    elif fault == "more":
        lines.append(lines[own[-1]])
    else:
        lines = [line for number, line in enumerate(lines) if number not in own]
    report, same = compare(lines)
    assert len(report.failures) == 1
    assert [name for name, equal in same.items() if not equal] == [test]


@pytest.mark.slow
def test_a_difference_is_told(log: list[str]) -> None:
    lines = [re.sub(r'"step": 300, "hash": "\w+"', '"step": 300, "hash": "0"', x) for x in log]
    (found,) = [
        simulated.differences(
            [line for line in simulated.read("\n".join(lines)) if line["test"] == "random"],
            simulated.random_lines(16),
        )
    ]
    assert found[0] == "first in {'step': 300}" and re.match(r"hash: \w{8}, in the", found[1])


def test_not_a_line() -> None:
    with pytest.raises(host.StageError, match="not a line"):
        simulated.read('sim: {"pool": }')


def test_all_of_the_driver_is_driven() -> None:
    devices = re.findall(r"(?m)^device (\w+)", simulated.DEVICES.read_text())
    assert devices == ["simnic", "simops", "simshort"]
    text = (simulated.SOURCES / "short_kunit.c").read_text()
    for pool in simulated.device("simshort").pools:
        assert f"KUNIT_CASE_SLOW({pool.name}_random_operations)" in text
    assert set(simulated.SUITES) == {
        name
        for path in simulated.SOURCES.glob("*_kunit.c")
        for name in re.findall(r'\.name\s+= "(ims_\w+)"', path.read_text())
    }
