"""What `imsgen run` checks where there are several CPUs, with a guest that is a table of counts."""

from __future__ import annotations

import re
from typing import cast

import pytest

from imsgen.generator.model.checks import Trial
from imsgen.generator.model.guest import Guest
from imsgen.generator.model.runtime import (
    COMMAND,
    Command,
    Device,
    Exported,
    Field,
    Iomem,
    Msix,
    Slot,
    Store,
)

SLOT = Slot(16, Field(0, 4), Field(8, 4), Field(4, 4), Field(12, 4), mask=0)


class Dev(Device):
    name = "dev"

    def make(self) -> tuple[Iomem]:
        return (Iomem("ims", SLOT, 0, ((0x100, 4),)),)


class Machine:
    """Four CPUs; the interrupt of index N is 30 + N.  ``fault`` is what goes wrong."""

    address, cpus, numbered = "0000:00:10.0", 4, False

    def __init__(self, device: Device, fault: str) -> None:
        self.fault, self.sent = fault, 0
        self.counts = {30 + index: [0] * self.cpus for index in (1, 3)}
        self.where = dict.fromkeys(self.counts, 0)
        device.deliver = self.deliver

    def deliver(self, address: int, data: int) -> bool:
        self.sent += 1
        cpu = self.where[data]
        if self.fault == "wrong" and self.sent == 30:
            cpu = cpu + 1 & 3
        if self.fault != "lost" or self.sent != 30:
            self.counts[data][cpu] += 2 if self.fault == "twice" and self.sent == 30 else 1
        return True

    def read(self, path: str) -> str:
        if path == "/proc/interrupts":
            lines = "           CPU0       CPU1       CPU2       CPU3\n"
            for number, counts in self.counts.items():
                text = " ".join(f"{count:10}" for count in counts)
                lines += (
                    f" {number}: {text}  DEV-IMS-{self.address}    {number - 30}-edge      dev\n"
                )
            return lines
        found = re.fullmatch(r"/proc/irq/(\d+)/effective_affinity_list", path)
        return f"{self.where[int(found[1])]}\n" if found else ""

    def write(self, path: str, text: str) -> None:
        number = int(path.split("/")[3])
        if self.fault == "fixed" or (self.fault == "one" and number == 31):
            raise PermissionError(1, "Operation not permitted", path)
        if self.fault != "stays":
            self.where[number] = int(text)

    def list(self, path: str) -> list[str]:
        return []


def trial(fault: str = "", monkeypatch: pytest.MonkeyPatch | None = None) -> Trial:
    """A device with two open messages."""
    if monkeypatch is not None:
        monkeypatch.setattr("imsgen.generator.model.checks.ARRIVE", 0.2)
    device = Dev()
    device.config_write(COMMAND, b"\6\0")
    for index in (1, 3):
        for offset, value in ((12, 1), (0, 0xFEE00000), (4, 0), (8, 30 + index), (12, 0)):
            device.write(0, 0x100 + 16 * index + offset, value.to_bytes(4, "little"))
    return Trial(device, cast(Guest, Machine(device, fault)))


def test_all_messages_on_all_cpus() -> None:
    """Each is counted, by store and index."""
    made = trial()
    made.send()
    made.affinity()
    assert [(one.name, one.good, one.text) for one in made.results] == [
        ("send", True, "2 messages, 200 sent and handled"),
        ("affinity", True, "2 messages on each of 4 CPUs, 0 fixed"),
    ]
    assert [
        (row.index, row.state, row.name, row.sent, row.handled, row.wrong_cpu)
        for row in made.rows()
    ] == [(1, "open", "dev", 180, 180, 0), (3, "open", "dev", 180, 180, 0)]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("lost", r"ims\[3\]: 15 sent, 14 handled"),
        ("twice", r"ims\[3\]: 15 sent, 16 handled"),
        ("wrong", r"ims\[3\]: 1 of 100 not on CPU 0, but as \(99, 1, 0, 0\)"),
    ],
)
def test_what_does_not_arrive_as_sent(
    fault: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost, twice, or on another CPU; what is lost is waited for once."""
    made = trial(fault, monkeypatch)
    made.send()
    (result,) = made.results
    assert not result.good and re.fullmatch(said, result.text)
    row = made.rows()[1]
    assert (row.sent != row.handled, row.wrong_cpu) == (fault != "wrong", int(fault == "wrong"))


@pytest.mark.parametrize(
    ("fault", "good", "said"),
    [
        ("stays", False, r"ims\[\d\]: moved to CPU 1, is on 0"),
        ("one", True, "1 messages on each of 4 CPUs, 1 fixed"),
        ("fixed", False, "0 messages on each of 4 CPUs, 2 fixed"),
    ],
)
def test_what_does_not_move(fault: str, good: bool, said: str) -> None:
    """By itself, or because the kernel places it."""
    made = trial(fault)
    made.affinity()
    (result,) = made.results
    assert (result.good, bool(re.fullmatch(said, result.text))) == (good, True)


class Several(Device):
    name = "dev"

    def make(self) -> tuple[Store, ...]:
        return Command("cq", slots=5), Msix("table", slots=9, bar=4), Exported("peer", slots=3)


def test_own_stores_share_a_domain_in_their_order() -> None:
    made = Trial(Several(), cast(Guest, None))
    places = [made.in_domain(name, 1) for name in ("cq", "table", "peer")]
    assert places == [1, 1, 6]
