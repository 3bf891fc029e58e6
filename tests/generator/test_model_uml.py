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
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.generator.model import carrier, emit, uml
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

    def tell(self, number: int, body: bytes = b"", fds: list[int] | None = None) -> None:
        """Send a request, whose answer nobody waits for."""
        head = struct.pack("=III", number, uml.VERSION, len(body))
        socket.send_fds(self.socket, [head + body], fds or [])

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


def test_a_socket_that_is_in_use(server: uml.Server, tmp_path: Path) -> None:
    """By another model, or it is a file; or its path is too long: said, and left as it is."""
    file = tmp_path / "file"
    file.write_text("mine")
    paths = {server.path: "in use", str(file): "in use", str(tmp_path / ("x" * 200)): "too long"}
    for path, said in paths.items():
        with pytest.raises(SystemExit, match=said) as ended:
            uml.serve(server.device, path)
        assert path in str(ended.value)
    assert file.read_text() == "mine"
    Guest(server.path).close()
    assert server.join(10)


# --- peers that are broken, or mean ill -------------------------------------------------------


def table(size: int, count: int = 1, offset: int = 0) -> bytes:
    """Memory as it is announced."""
    return struct.pack("=IIQQQQ", count, 0, START, size, START, offset)


def ring(index: int, desc: int = 0, used: int = 0x200, avail: int = 0x100) -> bytes:
    """Where a queue is: offsets in the memory."""
    at = [START + place for place in (desc, used, avail)]
    return struct.pack("=IIQQQQ", index, 0, *at, 0)


def chain(guest: Guest, size: int, flags: int, after: int = 0) -> None:
    """A descriptor that is offered as a command."""
    guest.describe(0, 0, size, flags, after)
    guest.offer(0, 0)


def command(guest: Guest, *words: int, data: bytes = b"") -> None:
    """A command that is offered: operation, BAR, size, place."""
    op, bar, size, at = words
    message = uml.HEAD.pack(op, bar, 0, size, at) + data
    place = guest.describe(0, 0, len(message), 0)
    guest.memory[place : place + len(message)] = message
    guest.offer(0, 0)


def promise(guest: Guest) -> None:
    """More buffers than the queue has."""
    guest.memory[0x102:0x104] = struct.pack("=H", COUNT + 1)
    os.eventfd_write(guest.kicks[0], 1)


def doorbell(guest: Guest, file: int) -> None:
    """Another file to knock at."""
    guest.tell(uml.VRING_KICK, struct.pack("=Q", 0), [file])
    os.close(file)


def left_doorbell(guest: Guest) -> None:
    """Nobody is at the other end."""
    near, far = os.pipe()
    os.close(far)
    doorbell(guest, near)


MISTAKES = {
    "no request": (lambda g: g.socket.sendall(b"\xff" * 12), "request 4294967295"),
    "half a request": (lambda g: g.socket.sendall(b"\1\0\0"), "timed out"),
    "a long request": (lambda g: g.tell(1, bytes(5000)), "and 5000 bytes"),
    "a short table": (lambda g: g.tell(uml.SET_MEM_TABLE, b"\1"), "a request with 1 bytes"),
    "no files": (lambda g: g.tell(uml.SET_MEM_TABLE, table(SIZE)), "1 regions of memory in 0"),
    "more memory": (
        lambda g: g.tell(uml.SET_MEM_TABLE, table(SIZE + 1), [g.file]),
        f"{SIZE + 1} bytes at 0x0 are not in the file",
    ),
    "memory behind the end": (
        lambda g: g.tell(uml.SET_MEM_TABLE, table(SIZE, offset=1 << 63), [g.file]),
        "are not in the file",
    ),
    "no memory": (lambda g: g.tell(uml.SET_MEM_TABLE, table(0), [g.file]), "0 bytes at"),
    "no such queue": (lambda g: g.tell(uml.VRING_NUM, b"\7" * 8), "queue 7"),
    "a queue of none": (lambda g: g.tell(uml.VRING_NUM, bytes(8)), "a queue of 0"),
    "a queue of three": (lambda g: g.tell(uml.VRING_NUM, struct.pack("=II", 0, 3)), "queue of 3"),
    "a queue of many": (
        lambda g: g.tell(uml.VRING_NUM, struct.pack("=II", 0, 1 << 31)),
        "a queue of 2147483648",
    ),
    "rings out of memory": (
        lambda g: (g.request(uml.VRING_ADDR, ring(0, avail=SIZE - 2)), g.offer(0, 0)),
        "are no memory",
    ),
    "answers out of memory": (
        lambda g: (
            g.request(uml.VRING_ADDR, ring(0, used=SIZE)),
            command(g, uml.CFG_WRITE, 0, 4, 4, data=bytes(4)),
        ),
        "are no memory",
    ),
    "buffers that are not there": (promise, "5 buffers in a queue of 4"),
    "a buffer out of memory": (lambda g: chain(g, SIZE, 0), "are no memory"),
    "a buffer without end": (lambda g: chain(g, 1 << 31, 0), "buffers of 2147483648 bytes"),
    "a descriptor of nobody": (lambda g: chain(g, 16, uml.NEXT, 9), "descriptor 9 of 4"),
    "descriptors in a circle": (lambda g: chain(g, 16, uml.NEXT, 0), "in a circle"),
    "half a command": (lambda g: chain(g, 7, 0), "a command of 7 bytes"),
    "no operation": (lambda g: command(g, 99, 0, 4, 0), "operation 99"),
    "a write without data": (lambda g: command(g, uml.MMIO_WRITE, 0, 4, 0), "0 bytes of 4"),
    "a fill without data": (lambda g: command(g, uml.MMIO_MEMSET, 0, 4, 0), "0 bytes of 4"),
    "a fill without end": (
        lambda g: command(g, uml.MMIO_MEMSET, 0, 0xFFFFFFFF, 0, data=b"x"),
        "an access of 4294967295 bytes",
    ),
    "a read without room": (lambda g: command(g, uml.MMIO_READ, 0, 4, 0), "no room"),
    "a doorbell of nobody": (left_doorbell, "it has left its doorbell"),
    "a doorbell that is a file": (
        lambda g: doorbell(g, os.open(__file__, os.O_RDONLY)),
        "Operation not permitted",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_broken_peer_is_said(
    server: uml.Server, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a time, by what it did, and the model goes on by itself."""
    what, said = MISTAKES[mistake]
    monkeypatch.setattr(carrier, "PATIENCE", 0.2 if said == "timed out" else 10)
    guest = Guest(server.path)
    what(guest)
    assert server.join(10)
    assert server.broken is not None and said in server.broken
    assert server.device.send("ims", 0) == "off"
    guest.close()


def test_a_peer_that_goes_within_a_request(server: uml.Server) -> None:
    """And one that goes between two is no mistake."""
    guest = Guest(server.path)
    guest.socket.sendall(struct.pack("=III", uml.VRING_NUM, uml.VERSION, 8) + b"\0")
    guest.close()
    assert server.join(10)
    assert server.broken is not None and "gone within a request" in server.broken


def test_files_are_closed(server: uml.Server) -> None:
    """Those that no request wants, and those that later ones replace."""
    guest = Guest(server.path)
    file, end = os.pipe()
    before = None
    for _ in range(40):
        guest.request(uml.GET_FEATURES, fds=[file] * 8, reply=8)
        guest.request(uml.REQUEST_FD, fds=[file] * 3)
        guest.request(uml.VRING_CALL, struct.pack("=Q", 0), [end])
        guest.request(uml.VRING_KICK, struct.pack("=Q", 0), [guest.kicks[0]])
        guest.request(uml.SET_MEM_TABLE, table(SIZE), [guest.file] * 4)
        count = len(os.listdir("/proc/self/fd"))
        assert before in (None, count)
        before = count
    os.close(file)
    os.close(end)
    assert server.broken is None
    guest.close()


def test_nobody_waits_for_a_peer_that_does_not_look(server: uml.Server) -> None:
    """Its calls are a pipe that is full."""
    guest = Guest(server.path)
    near, far = os.pipe()
    os.set_blocking(far, False)
    with suppress(BlockingIOError):
        while True:
            os.write(far, bytes(4096))
    guest.request(uml.VRING_CALL, struct.pack("=Q", 0), [far])
    command(guest, uml.CFG_WRITE, 0, 2, ims.COMMAND, data=b"\6\0")
    guest.request(uml.GET_FEATURES, reply=8)
    end = time.monotonic() + 10
    while server.device.config_read(ims.COMMAND, 1) != b"\6" and time.monotonic() < end:
        time.sleep(0.01)
    assert server.device.config_read(ims.COMMAND, 1) == b"\6"
    assert server.broken is None
    os.close(near)
    os.close(far)
    guest.close()


def test_a_peer_that_asks_on_and_on_is_stopped(server: uml.Server) -> None:
    """The model and whoever ends it get their turn."""
    guest = Guest(server.path)
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            command(guest, uml.MMIO_WRITE, 0, 4, 0x1000, data=bytes(4))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(20):
            assert server.device.send("ims", 0) == "off"
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 5
    finally:
        over.set()
        thread.join()
        guest.close()
    server.start()


def test_messages_that_nobody_takes(server: uml.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some wait for buffers; a guest that gives none at all is broken."""
    monkeypatch.setattr(uml, "MOST", 100)
    for _ in range(200):
        assert server.deliver(uml.ADDRESS, 33)
    assert len(server.waiting) <= 100
    assert server.broken == "100 messages wait for buffers"


@pytest.mark.parametrize("seed", range(24))
def test_a_hostile_guest_is_left_alone(server: uml.Server, seed: int) -> None:
    """Rings, descriptors, commands and requests full of anything: nothing leaves the thread."""
    chance = random.Random(seed)
    guest = Guest(server.path)
    few = [0, 1, 4, 8, COUNT, SIZE - 1, SIZE, START, 1 << 20, 1 << 31, (1 << 32) - 1, (1 << 64) - 1]
    with suppress(OSError):
        for _ in range(30):
            match chance.randrange(5):
                case 0:
                    guest.tell(chance.randrange(40), chance.randbytes(chance.randrange(64)))
                case 1:
                    words = [chance.choice(few) for _ in range(6)]
                    guest.tell(chance.randrange(5, 16), struct.pack("=6Q", *words), [guest.file])
                case 2:
                    for at in range(0, 0x300, 2):
                        if chance.random() < 0.1:
                            word = struct.pack("=H", chance.choice(few) & 0xFFFF)
                            guest.memory[at : at + 2] = word
                    os.eventfd_write(guest.kicks[0], 1)
                case 3:
                    words = [chance.randrange(9), chance.randrange(7), *chance.choices(few, k=2)]
                    words[2] &= 0xFFFFFFFF
                    command(guest, *words, data=chance.randbytes(chance.randrange(40)))
                case 4:
                    guest.describe(0, chance.randrange(4), 40, chance.randrange(4), 1)
                    guest.offer(0, chance.randrange(COUNT + 1))
    server.join(0.2)
    guest.close()
    assert server.join(10)
    assert server.device.send("ims", 0) in ("off", "empty", "masked", "sent", "gone")
