"""The stage in which drivers meet models: its counts and its faults, without a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imsgen.dsl import load
from imsgen.kernel_test_module import models
from imsgen.kernel_test_module.host import StageError
from imsgen.kernel_test_module.report import Report
from imsgen.kernel_test_module.stages import Place

PLACE = Place(Path(__file__).parents[2])

FOUND: dict[str, Any] = {
    "device": "dev",
    "checks": [{"name": "send", "good": False, "text": "ims[3]: 5 sent, 4 handled"}],
    "messages": [
        {"store": "ims", "index": 3, "sent": 5, "handled": 4},
        {"store": "ims", "index": 4, "sent": 5, "handled": 5},
        {"store": "table", "index": 0, "sent": 1, "handled": 2},
    ],
    "findings": [{"rule": "torn", "name": "ims[3]", "text": "open with a part of a message"}],
}


def test_counts_are_those_of_stores() -> None:
    """As e2e has them, and with the device."""
    counts = [
        (row["store"], row["sent"], row["arrived"], row["lost"], row["duplicated"])
        for row in models.rows(FOUND)
    ]
    assert counts == [("ims", 10, 9, 1, 0), ("table", 1, 2, 0, 1)]
    assert {(row["device"], row["parent"]) for row in models.rows(FOUND)} == {("dev", "uml")}


def test_devices_are_there() -> None:
    """In the layout that is run."""
    paths = {name: models.layout(PLACE, name)[0] for name in models.DEVICES}
    there = {path: [d.name for d in load(path).devices] for path in set(paths.values())}
    assert all(name in there[path] for name, path in paths.items())


def test_counts_go_beside_those_of_e2e(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an earlier run of models left is replaced, and all else stays; failures are counted."""
    place = Place(tmp_path)
    place.results.mkdir(parents=True)
    other = models.rows(FOUND)[0] | {"parent": "intel"}
    (place.results / "e2e.json").write_text(json.dumps([other, *models.rows(FOUND)]))
    monkeypatch.setattr(models, "imsgen_run", lambda *words: FOUND)
    report = Report()
    models.devices(place, tmp_path, ["dev"], report)
    found = json.loads((place.results / "e2e.json").read_text())
    assert found == [other, *models.rows(FOUND)]
    assert report.failures == ["model of dev: send"]
    assert "uml" in capsys.readouterr().out


@pytest.mark.parametrize("fault", models.FAULTS, ids=lambda fault: fault.name)
def test_faults_are_in_what_is_generated(fault: models.Fault) -> None:
    """Each of them once, so that a patch can plant it."""
    patch = models.planted(PLACE, fault)
    assert f"+++ b/{fault.file}\n" in patch


def test_a_fault_that_is_nowhere_is_said() -> None:
    """Generated code has changed, and the fault has not."""
    gone = models.Fault("nothing", models.SLOTS, "no such text", "", "torn")
    with pytest.raises(StageError, match="nothing"):
        models.planted(PLACE, gone)


@pytest.mark.parametrize(
    "rule, text",
    [
        ("torn", "ims[3]: open with a part of a message"),
        ("check", "ims[3]: 5 sent, 4 handled"),
        ("left", ""),
    ],
)
def test_what_finds_a_fault_names_a_slot(rule: str, text: str) -> None:
    """By the rule that is expected, or by a check."""
    assert models.named(FOUND, rule) == text


def test_at_least_ten_faults() -> None:
    """And nearly all of them are for rules of the model."""
    assert len(models.FAULTS) >= 10
    assert sum(fault.rule != "check" for fault in models.FAULTS) >= 9
