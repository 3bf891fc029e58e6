"""The table of architectures, and what this machine lacks for one of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from imsgen.kernel_test_module import boot, build, packages, stages
from imsgen.kernel_test_module.arch import ARCHS
from imsgen.kernel_test_module.report import Report


def test_each_has_a_machine_and_a_label_of_its_own() -> None:
    assert stages.WHERES.keys() == ARCHS.keys()
    assert len({arch.label for arch in ARCHS.values()}) == len(ARCHS)


@pytest.mark.parametrize("name", sorted(ARCHS))
def test_what_boots_it_is_what_it_needs(name: str) -> None:
    arch, machine = ARCHS[name], stages.WHERES[name]
    emulator = str(boot.boot_command(Path("image"), machine)[0])
    if arch.needs:
        assert [command for command, _ in arch.needs] == [f"{arch.cross}gcc", emulator]
    words = [str(w) for w in build.Build(Path("s"), Path("o"), name).make("all")]
    assert f"ARCH={name}" in words
    assert [w for w in words if w.startswith("CROSS_")] == (
        [f"CROSS_COMPILE={arch.cross}"] if arch.cross else []
    )


def test_an_architecture_without_its_compiler_is_skipped_and_its_package_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = replace(ARCHS["arm64"], needs=(("no-such-gcc", "gcc-of-another-world"),))
    monkeypatch.setitem(ARCHS, "arm64", missing)
    monkeypatch.setattr(packages, "main", lambda only: 1)
    report = Report()
    assert not stages.able("arm64", report, "6.12 arm64")
    assert report.counts.skipped == 1
    assert "gcc-of-another-world" in capsys.readouterr().out
    monkeypatch.setattr(packages, "main", lambda only: 0)
    assert stages.able("arm64", report, "6.12 arm64")


def test_the_console_is_the_machines() -> None:
    for machine, console in ((boot.ITS, "ttyAMA0"), (boot.IMSIC, "ttyS0"), (boot.Q35, "ttyS0")):
        words = boot.boot_command(Path("image"), machine)
        assert f"console={console}" in str(words[words.index("-append") + 1])
