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
    "parent": "uml",
    "cpus": 1,
    "checks": [{"name": "send", "good": False, "text": "ims[3]: 5 sent, 4 handled"}],
    "messages": [
        {"store": "ims", "index": 3, "sent": 5, "handled": 4, "wrong_cpu": 0},
        {"store": "ims", "index": 4, "sent": 5, "handled": 5, "wrong_cpu": 0},
        {"store": "table", "index": 0, "sent": 1, "handled": 2, "wrong_cpu": 0},
    ],
    "accesses": 3,
    "different": ["line 2: read ims[3].data: 5"],
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


@pytest.mark.slow
def test_all_devices_meet_their_models() -> None:
    """Examples, real devices, odd ones and random ones; names, PCI IDs and drivers differ."""
    subjects = models.subjects(PLACE)
    names = [one.device.name for one in subjects if not one.returns]
    wanted = [
        device.name + more
        for folder, more in (("examples", ""), ("tests/devices", "_real"))
        for path in (PLACE.root / folder).glob("*.ims")
        for device in load(str(path)).devices
        if not device.is_platform
    ]
    assert {*wanted, "oddmem", "oddbits", "oddbox"} <= {*names}
    # Of ten, some are platform devices, or can't do without several messages of MSI.
    assert sum(name.startswith("random") for name in names) >= 3
    assert not any(models.machine.refusal(one.device, "uml") for one in subjects)
    assert len(names) == len({*names}) >= 40 + len(models.FAULTS)
    assert len({which for one in subjects for which in one.device.ids}) == len(names)
    (returns,) = [one for one in subjects if one.returns]
    assert returns.returns >= 100


def test_some_devices_alone() -> None:
    """By a regular expression: the rest stays away, and the faults."""
    assert [one.name for one in models.subjects(PLACE, "^nvme")] == ["nvme", "nvme_real"]


def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, met: dict[str, Any]
) -> tuple[Place, Report]:
    """The stage for one device, of which ``met`` comes, without a kernel."""
    place, report = Place(tmp_path), Report()
    place.results.mkdir(parents=True)
    (subject,) = models.subjects(PLACE, "^timer$")
    monkeypatch.setattr(models, "subjects", lambda *words: [subject])
    monkeypatch.setattr(models, "boot_all", lambda *words: [met])
    other = models.rows(FOUND)[0] | {"parent": "intel"}
    (place.results / "e2e.json").write_text(json.dumps([other, *models.rows(FOUND)]))
    models.devices(place, tmp_path, report, "timer")
    return place, report


def test_counts_go_beside_those_of_e2e(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an earlier run of models left is replaced, and all else stays; failures are counted."""
    place, report = stage(tmp_path, monkeypatch, FOUND)
    found = json.loads((place.results / "e2e.json").read_text())
    assert [row["parent"] for row in found] == ["intel", "uml", "uml"]
    assert report.failures == ["model of timer: send", "model of timer: replayed"]
    assert "uml" in capsys.readouterr().out


def test_a_boot_that_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the last lines of its console; the others go on."""
    place, report = stage(tmp_path, monkeypatch, {"error": ["the guest: it has ended", "panic"]})
    assert [row["parent"] for row in json.loads((place.results / "e2e.json").read_text())] == [
        "intel"
    ]
    assert report.failures == ["model of timer"]
    assert "panic" in capsys.readouterr().out


@pytest.mark.parametrize("fault", models.FAULTS, ids=lambda fault: fault.name)
def test_faults_are_in_what_is_generated(fault: models.Fault) -> None:
    """Each of them once, so that a patch can plant it."""
    patch = models.planted(PLACE, fault)
    assert f"+++ b/{fault.file}\n" in patch
    copy = models.planted(PLACE, fault, "fault01")
    assert "crypto2" not in copy.lower() and len(copy) == len(patch)


@pytest.mark.parametrize("wrong", models.WRONG, ids=lambda wrong: wrong.name)
def test_drivers_that_bring_a_guest_down(wrong: models.Wrong) -> None:
    """The skeleton, and what is wrong; whether that is said is seen in the boot."""
    (device,) = load(str(PLACE.example(models.FAULTY))).devices
    text = models.driver(models.Subject(device, wrong=wrong)).text
    assert wrong.old + wrong.more in text
    report = Report()
    found = {"error": ["the guest:", f"[ 0.1] {wrong.says}"]}
    models.judge(found, models.Subject(device, wrong=wrong), report)
    assert not report.failures
    models.judge(FOUND, models.Subject(device, wrong=wrong), report)
    assert report.failures == [f"a driver that {wrong.name}"]


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
