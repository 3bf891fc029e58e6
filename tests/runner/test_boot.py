"""Boot commands, and how a boot's end is judged."""

from dataclasses import replace
from pathlib import Path

import pytest

from imsgen.kernel_test_module import boot, host, mutants

IMAGE = Path("image")


def test_uml_command() -> None:
    words = boot.boot_command(IMAGE, boot.UML, ["kunit.filter_glob=idxd*"])
    assert words[0] == IMAGE
    for word in (
        "mem=256M",
        "kunit.enable=1",
        "kunit.autorun=1",
        "kunit_shutdown=halt",
        "kunit.filter_glob=idxd*",
    ):
        assert word in words


def test_qemu_command_carries_the_machine() -> None:
    machine = replace(
        boot.VTD, cpus=16, memory=1024, options=("-icount", "shift=2"), append=("a=b",)
    )
    words = [str(word) for word in boot.boot_command(IMAGE, machine)]
    for key, value in (
        ("-M", "q35,kernel-irqchip=off"),
        ("-smp", "16,sockets=1"),
        ("-m", "1024"),
        ("-device", "intel-iommu,intremap=on"),
        ("-icount", "shift=2"),
        ("-serial", "stdio"),
    ):
        assert words[words.index(key) + 1] == value
    append = words[words.index("-append") + 1].split()
    assert {"console=ttyS0", "panic=-1", "kunit.enable=1", "kunit.autorun=1", "a=b"} <= set(append)
    assert "-no-reboot" in words


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("7.2.22", ["-global", "rocker.len-ports=2", "-device", "rocker,name=switch,ports[0]=p0,"]),
        ("8.2.0", ["-device", '{"driver": "rocker", "name": "switch", "ports": ["p0", "p1"]}']),
    ],
)
def test_ports_are_said_as_the_emulator_wants(
    version: str, said: list[str], tmp_path: Path
) -> None:
    """From 8.2 on a list is one property."""
    program = tmp_path / "qemu"
    program.write_text(f"#!/bin/sh\necho QEMU emulator version {version}\n")
    program.chmod(0o755)
    words = boot.switch(replace(boot.Q35, emulator=str(program), ports=2))
    assert words[:4] == ["-netdev", "hubport,id=p0,hubid=0", "-netdev", "hubport,id=p1,hubid=0"]
    assert len(words) == 4 + len(said)
    assert all(word.startswith(start) for word, start in zip(words[4:], said, strict=True))
    assert not boot.switch(boot.Q35)
    with pytest.raises(host.StageError, match="there is no"):
        boot.switch(replace(boot.Q35, emulator=str(tmp_path / "none"), ports=2))


def test_nodes_share_cpus_and_memory() -> None:
    words = boot.boot_command(IMAGE, boot.NODES)
    nodes = [words[i + 1] for i, word in enumerate(words) if word == "-numa"]
    assert nodes == ["node,memdev=mem0,cpus=0-1", "node,memdev=mem1,cpus=2-3"]
    assert "memory-backend-ram,id=mem1,size=256M" in words
    assert not boot.numa(boot.BARE)


def test_ends() -> None:
    good = "ok 1 a\nreboot: System halted\n"
    assert boot.fault_of(good, 0, 9) == ""
    assert "exit code 3" in boot.fault_of(good, 3, 9)
    assert boot.fault_of("ok 1 a\n", None, 9) == "no end within 9 s"
    assert "before the tests were over" in boot.fault_of("ok 1 a\n", 0, 9)
    panic = "Kernel panic - not syncing: Fatal exception\nreboot: x\n"
    assert boot.fault_of(panic, 0, 9).startswith("Kernel panic")


def shell(tmp_path: Path, text: str) -> Path:
    """A "kernel" made of shell script."""
    image = tmp_path / "linux"
    image.write_text(f"#!/bin/sh\n{text}\n")
    image.chmod(0o755)
    return image


def test_boot_that_ends_and_one_that_hangs(tmp_path: Path) -> None:
    image = shell(tmp_path, "printf 'reboot: System halted\\r\\n'")
    booted = boot.boot("t", image, boot.UML, tmp_path / "a.log")
    assert (booted.fault, booted.log) == ("", "reboot: System halted\n")
    image = shell(tmp_path, "echo begin; sleep 60 & wait")
    booted = boot.boot("t", image, replace(boot.UML, limit=0.5), tmp_path / "b.log")
    assert booted.fault == "no end within 0.5 s"
    assert booted.seconds < 30
    assert "begin" in booted.log


@pytest.mark.slow
def test_boot_that_has_shown_enough(tmp_path: Path) -> None:
    """The first case that fails decides, and a boot without one goes to its end."""
    line = "[    0.1]     not ok 2 exit\\r\\n"
    image = shell(tmp_path, f"printf '{line}'; sleep 60 & wait")
    booted = boot.boot("t", image, boot.UML, tmp_path / "a.log", enough=mutants.FAILED)
    assert booted.seconds < 30
    assert booted.fault == "ended with -9 before the tests were over"
    assert "not ok 2" in booted.log
    image = shell(tmp_path, "printf '    ok 1 a # not ok \\nreboot: System halted\\n'; sleep 1.2")
    booted = boot.boot("t", image, boot.UML, tmp_path / "b.log", enough=mutants.FAILED)
    assert booted.fault == ""
