"""The carrier of models for User Mode Linux, with a guest that is made of a socket and memory.

That a kernel gets on with it is seen where one is booted: kernel_test_module/models.py.
"""

from __future__ import annotations

import mmap
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.generator.model import emit, uml
from imsgen.generator.model import runtime as ims

LAYOUT = b"""device gadget "A gadget" {
    pci 1af4:10f0;
    store ims: iomem {
        bar 0; offset 0x1000; slots 8;
        slot 16 { address_lo @0; address_hi @4; data @8; control @12 { mask bit 0; } }
    }
    pool q = ims { dedicated; }
}"""

START, SIZE = 0x100000, 0x10000
#: Where rings and buffers are in that memory; a ring has 4 buffers.
RINGS, BUFFERS, COUNT = (0x0, 0x1000), 0x8000, 4


class Guest:
    """The other side of the socket: rings, doorbells, and memory that is shared."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        file = self.file = os.memfd_create("guest")
        os.truncate(file, SIZE)
        self.memory = mmap.mmap(file, SIZE)
        assert self.request(uml.GET_FEATURES, reply=8) == struct.pack("=Q", uml.FEATURES)
        table = struct.pack("=IIQQQQ", 1, 0, START, SIZE, START, 0)
        self.request(uml.SET_MEM_TABLE, table, [file])
        self.kicks, self.calls = [], []
        for index, ring in enumerate(RINGS):
            self.request(uml.VRING_NUM, struct.pack("=II", index, COUNT))
            self.request(uml.VRING_BASE, struct.pack("=II", index, 0))
            at = [START + ring, START + ring + 0x200, START + ring + 0x100]
            self.request(uml.VRING_ADDR, struct.pack("=IIQQQQ", index, 0, *at, 0))
            kick, (call, far) = os.eventfd(0), os.pipe()
            self.request(uml.VRING_KICK, struct.pack("=Q", index), [kick])
            self.request(uml.VRING_CALL, struct.pack("=Q", index), [far])
            os.close(far)
            self.kicks.append(kick)
            self.calls.append(call)
        self.given = [0, 0]

    def request(self, number: int, body: bytes = b"", fds: list[int] | None = None, reply: int = 0):
        """Send one; what is answered, without its head."""
        head = struct.pack("=III", number, uml.VERSION | (0 if reply else 8), len(body))
        socket.send_fds(self.socket, [head + body], fds or [])
        said = self.socket.recv(12 + (reply or 8), socket.MSG_WAITALL)
        return said[12:]

    def describe(self, ring: int, number: int, size: int, flags: int, after: int = 0) -> int:
        """Fill a descriptor; where its buffer is in memory."""
        at = BUFFERS + 0x100 * number + RINGS[ring]
        entry = struct.pack("=QIHH", START + at, size, flags, after)
        place = RINGS[ring] + 16 * number
        self.memory[place : place + 16] = entry
        return at

    def offer(self, ring: int, head: int) -> None:
        """Give a buffer, and knock."""
        avail = RINGS[ring] + 0x100
        place = avail + 4 + 2 * (self.given[ring] % COUNT)
        self.memory[place : place + 2] = struct.pack("=H", head)
        self.given[ring] += 1
        self.memory[avail + 2 : avail + 4] = struct.pack("=H", self.given[ring])
        os.eventfd_write(self.kicks[ring], 1)

    def called(self, ring: int) -> bool:
        """Whether the device has called, within some seconds."""
        return bool(select.select([self.calls[ring]], [], [], 10)[0]) and bool(
            os.read(self.calls[ring], 8)
        )

    def access(self, op: int, at: int, data: bytes = b"", size: int = 4, bar: int = 0) -> bytes:
        """A command, and what is answered to it."""
        message = uml.HEAD.pack(op, bar, 0, size, at) + data
        place = self.describe(0, 0, len(message), 0 if data else uml.NEXT, 1)
        self.memory[place : place + len(message)] = message
        room = self.describe(0, 1, 8, uml.WRITE)
        self.offer(0, 0)
        assert self.called(0)
        return self.memory[room : room + size]

    def close(self) -> None:
        """Go."""
        self.socket.close()
        for number in (self.file, *self.kicks, *self.calls):
            os.close(number)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[uml.Server]:
    (device,) = load("gadget.ims", LAYOUT).devices
    model = emit.model_module("m", emit.text_of(device), "m.py").Model()
    made = uml.Server(model, str(tmp_path / "s"))
    made.start()
    yield made
    made.stop()
    assert not (tmp_path / "s").exists()


def test_accesses_and_messages(server: uml.Server) -> None:
    """Configuration space, a slot, and the message that stands in it."""
    guest = Guest(server.path)
    assert guest.access(uml.CFG_READ, 0) == bytes.fromhex("f41af010")
    guest.access(uml.CFG_WRITE, ims.COMMAND, b"\x06\x00", 2)
    for offset, value in ((12, 1), (0, uml.ADDRESS), (4, 0), (8, 77), (12, 0)):
        guest.access(uml.MMIO_WRITE, 0x1010 + offset, value.to_bytes(4, "little"))
    assert guest.access(uml.MMIO_READ, 0x1018) == struct.pack("=I", 77)
    # More messages than buffers: the rest waits.
    places = [guest.describe(1, number, 32, uml.WRITE) for number in range(3)]
    for number in range(2):
        guest.offer(1, number)
    assert [server.device.send("ims", 1) for _ in range(3)] == ["sent"] * 3
    assert guest.called(1)
    guest.offer(1, 2)
    end = time.monotonic() + 10
    while not guest.memory[places[2]] and time.monotonic() < end:
        time.sleep(0.01)
    for place in places:
        op, _, _, size, _ = uml.HEAD.unpack_from(guest.memory[place : place + 16])
        assert (op, size) == (uml.MSI, 4)
        assert guest.memory[place + 16 : place + 20] == struct.pack("=I", 77)
    assert server.broken is None
    guest.close()


WATCH = """
import mmap, sys
memory = memoryview(mmap.mmap(int(sys.argv[1]), 0)).cast("H")
print("ready", flush=True)
last, seen = 0, 0
while last < int(sys.argv[3]):
    now = memory[int(sys.argv[2]) // 2]
    seen += now < last
    last = now
print(seen)
"""


def test_the_guest_never_sees_half_a_write(server: uml.Server) -> None:
    """How many buffers are done only grows, for another process, too: once it was 0 in between."""
    guest = Guest(server.path)
    count = 6000
    words = [sys.executable, "-c", WATCH, str(guest.file), str(RINGS[0] + 0x202), str(count)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, pass_fds=[guest.file], text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        for _ in range(count):
            guest.access(uml.CFG_READ, 0)
        assert child.stdout.readline() == "0\n"
    guest.close()


def test_memory_of_the_guest_is_fetched(server: uml.Server) -> None:
    """Where there is none, zeros."""
    guest = Guest(server.path)
    guest.memory[0x4000:0x4004] = b"abcd"
    assert server.device.fetch(START + 0x4000, 4) == b"abcd"
    assert server.device.fetch(START + SIZE - 2, 4) == bytes(4)
    guest.close()


def test_a_message_to_nowhere_is_found(server: uml.Server) -> None:
    """No interrupt controller is at that address."""
    device = server.device
    device.config_write(ims.COMMAND, b"\x06\x00")
    device.write(0, 0x1020, b"\0\0\x34\x12")
    device.send("ims", 2)
    assert ("address", "ims[2]") in [(found.rule, found.name) for found in device.findings]


def test_a_mistake_of_the_author_is_said(server: uml.Server) -> None:
    """With its place, and the guest is left alone."""

    def start(value: int) -> None:
        raise KeyError("no such queue")

    server.device.register(0, 0x40, "start", write=start)
    guest = Guest(server.path)
    message = uml.HEAD.pack(uml.MMIO_WRITE, 0, 0, 4, 0x40) + bytes(4)
    place = guest.describe(0, 0, len(message), 0)
    guest.memory[place : place + len(message)] = message
    guest.offer(0, 0)
    assert server.join(10)
    assert server.broken is not None
    assert "test_model_uml.py" in server.broken and "no such queue" in server.broken
    guest.close()


@pytest.mark.parametrize("seed", range(12))
def test_a_hostile_guest_is_left_alone(server: uml.Server, seed: int) -> None:
    """Rings, descriptors and requests full of anything: no exception leaves the thread."""
    chance = random.Random(seed)
    guest = Guest(server.path)
    if seed % 3 == 0:
        guest.socket.sendall(chance.randbytes(64))
    elif seed % 3 == 1:
        place = guest.describe(0, 0, 40, 0)
        guest.memory[place : place + 40] = chance.randbytes(40)
        guest.offer(0, 0)
    else:
        guest.describe(0, 0, chance.choice([1 << 31, 16]), uml.NEXT, chance.choice([0, 9]))
        guest.offer(0, 0)
    server.join(0.5)
    guest.close()
    assert server.join(10)
