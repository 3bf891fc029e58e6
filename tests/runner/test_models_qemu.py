"""The stage in which drivers meet models in QEMU: its counts, and a QEMU that isn't to be had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imsgen.generator.model import kernel
from imsgen.kernel_test_module import host, models, models_qemu
from imsgen.kernel_test_module.report import Report
from imsgen.kernel_test_module.stages import Place

PLACE = Place(Path(__file__).parents[2])

FOUND: dict[str, Any] = {
    "device": "dev",
    "parent": "intel",
    "cpus": 4,
    "checks": [{"name": "affinity", "good": False, "text": "ims[3]: moved to CPU 1"}],
    "different": [],
    "messages": [
        {"store": "ims", "index": 3, "sent": 5, "handled": 5, "wrong_cpu": 2},
        {"store": "table", "index": 0, "sent": 1, "handled": 1, "wrong_cpu": 0},
    ],
}


def test_counts_have_the_parent_and_its_cpus() -> None:
    """And what arrived on another CPU."""
    assert [
        (row["device"], row["parent"], row["cpus"], row["store"], row["arrived"], row["wrong_cpu"])
        for row in models.rows(FOUND)
    ] == [("dev", "intel", 4, "ims", 5, 2), ("dev", "intel", 4, "table", 1, 0)]


def test_what_is_wrong_with_counts() -> None:
    """Losses, doubles, other CPUs, and nothing at all."""
    ims, table = models.rows(FOUND)
    assert models_qemu.faults([table]) == []
    assert models_qemu.faults([ims, table | {"lost": 1}]) == ["ims: 2 wrong_cpu", "table: 1 lost"]
    assert models_qemu.faults([]) == ["nothing arrived"]


def test_counts_go_beside_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of `e2e` and of models elsewhere stay, their own are replaced."""
    place = Place(tmp_path)
    place.results.mkdir(parents=True)
    mine = models.rows(FOUND)
    uml = mine[0] | {"parent": "uml"}
    other = {name: value for name, value in mine[0].items() if name != "device"}
    (place.results / "e2e.json").write_text(json.dumps([uml, *mine, other]))
    models_qemu.save(place, mine)
    assert json.loads((place.results / "e2e.json").read_text()) == [uml, other, *mine]
    assert "intel" in capsys.readouterr().out


def test_each_device_is_below_each_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one kernel, by the QEMU that was found; failures are counted."""
    built: list[list[str]] = []
    asked: list[tuple[str, str, str]] = []

    def build_all(work: kernel.Work, drivers: list[kernel.Driver], patches: list[str]) -> Path:
        assert work.kind is kernel.X86
        built.append([driver.device.name for driver in drivers])
        return tmp_path

    def meet(subject: models.Subject, image: Path, initrd: Path, on: str, program: str) -> Any:
        asked.append((subject.name, on, program))
        return FOUND if subject.name == "timer" else {"error": ["no end"]}

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kernel, "build_all", build_all)
    monkeypatch.setattr(kernel, "start_program", lambda work: tmp_path)
    monkeypatch.setattr(models, "meet", meet)
    (tmp_path / "arch/um").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    report = Report()
    counts = models_qemu.devices(PLACE, tmp_path, "/q", ["timer", "mlx5", "idxd"], report)
    assert [sorted(names) for names in built] == [["idxd", "idxd_bare", "mlx5", "timer"]]
    assert sorted(asked) == [
        ("idxd", "intel", "/q"),
        ("idxd_bare", "bare", "/q"),
        ("mlx5", "intel", "/q"),
        ("timer", "bare", "/q"),
        ("timer", "intel", "/q"),
    ]
    assert counts == models.rows(FOUND) * 2
    assert sorted(report.failures) == [
        "model of idxd on intel",
        "model of idxd_bare on bare",
        "model of mlx5 on intel",
        "model of timer on bare: affinity",
        "model of timer on bare: counts",
        "model of timer on intel: affinity",
        "model of timer on intel: counts",
    ]


def test_variants_say_that_remapping_is_optional() -> None:
    """And differ in nothing else but what tells devices apart."""
    todo = models_qemu.subjects(PLACE, models_qemu.DEVICES)
    assert all(not subject.device.remapping for on, subject in todo if on == "bare")
    assert len({subject.device.ids for _, subject in todo}) == len({s.name for _, s in todo})


def test_without_a_qemu_the_stage_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loudly."""

    def program(logs: Path) -> str:
        raise host.Unavailable("no QEMU can be downloaded:\nno network")

    monkeypatch.setattr(models_qemu.qemu, "program", program)
    report = Report()
    models_qemu.run(PLACE, report)
    assert report.counts.skipped == 1
    assert "SKIP models in QEMU: no QEMU can be downloaded: no network" in capsys.readouterr().out


@pytest.mark.parametrize("name", models_qemu.DEVICES)
def test_devices_are_there(name: str) -> None:
    """Among those that meet their models in User Mode Linux, too."""
    assert name in [subject.name for subject in models.subjects(PLACE, name)]
