"""Attach a model to QEMU 10.1 or later: a PCI device by the vfio-user protocol.

QEMU is started with a device ``vfio-user-pci`` whose socket is the server's, and with memory that
can be shared; its docs/interop/vfio-user.rst has the protocol.  Accesses of configuration space and
of BARs come as messages, and a message that the device sends is a write to the bus.  The MSI-X
table is QEMU's: the model has a file for each entry, which QEMU looks at.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from . import carrier
from .carrier import FILES, LARGEST, PeerError, Region
from .runtime import KEPT, Msi, Msix, Store

#: Commands.
VERSION, DMA_MAP, DMA_UNMAP, INFO, REGION_INFO = 1, 2, 3, 4, 5
IRQ_INFO, SET_IRQS, READ, WRITE, DMA_WRITE, RESET = 7, 8, 9, 10, 12, 13

#: Number, command, size with this head, flags, error.
HEAD = struct.Struct("=HHIII")
KIND, COMMAND, REPLY, NO_REPLY, ERROR = 0xF, 0, 1, 0x10, 0x20

#: Regions: six BARs, the ROM, configuration space, VGA.  Kinds of interrupts: INTx, MSI, MSI-X,
#: errors, requests.
REGIONS, CONFIG, IRQS, MSI_IRQS, MSIX_IRQS = 9, 7, 5, 1, 2
CONFIG_SIZE = 4096

#: Flags of the device: it can be reset, and is one of PCI.
DEVICE = 0x3
#: Flags of an interrupt: by a file, and all of a kind are set up together.
IRQ = 0x9
#: What is said with files of interrupts, and that they are triggers.
BY_FILE, TRIGGER = 0x4, 0x20
#: All of the memory goes.
ALL = 0x2

#: Regions of memory that a guest may have.
MOST = 1024

#: Where an x86 machine takes messages: the upper 12 of 32 bits.
MESSAGES = 0xFEE


class RefusedError(Exception):
    """A request that is well formed and can't be done: an errno."""


@dataclass
class Server(carrier.Carrier):
    """The carrier: one socket for everything."""

    #: Memory that can't be mapped: address and size.
    unmapped: list[tuple[int, int]] = field(default_factory=list)
    #: The files of MSI-X entries.
    files: dict[int, int] = field(default_factory=dict)
    _number: int = 0

    def __post_init__(self) -> None:
        self._sending = threading.Lock()
        for store in self.device.stores.values():
            if isinstance(store, Msix):
                store.kept = set()

    # --- what the device does -------------------------------------------------------------------

    def deliver(self, address: int, data: int) -> bool:
        """Write a message to the bus, or to the file of its entry; the device's lock is held."""
        if address == KEPT:
            try:
                os.write(self.files[data], struct.pack("=Q", 1))
            except BlockingIOError:
                # QEMU has not looked yet: the edges are one.
                pass
            except OSError as error:
                self.broken = self.broken or f"no message can be sent: {error}"
            return True
        if address >> 20 != MESSAGES:
            return False
        body = struct.pack("=QQI", address, 4, data)
        with self._sending:
            peer, self._number = self.peer, self._number + 1 & 0xFFFF
            if peer is not None:
                size = HEAD.size + len(body)
                head = HEAD.pack(self._number, DMA_WRITE, size, COMMAND | NO_REPLY, 0)
                try:
                    peer.sendall(head + body)
                except OSError as error:
                    self.broken = self.broken or f"no message can be sent: {error}"
                    # A part of it may have been sent, so that nothing can follow.
                    with suppress(OSError):
                        peer.shutdown(socket.SHUT_RDWR)
        return True

    def left(self) -> None:
        """Nobody takes messages any more."""
        with self._sending:
            peer, self.peer = self.peer, None
        if peer is not None:
            peer.close()

    def forget(self) -> None:
        """Close the files of the guest."""
        with self.device.lock:
            self._take(list(self.files), [])

    # --- the socket -----------------------------------------------------------------------------

    def request(self, peer: socket.socket, files: list[int]) -> bool:
        """Answer one request; False where QEMU has gone."""
        head = self.receive(peer, HEAD.size, files, True)
        if not head:
            return False
        number, command, size, flags, _ = HEAD.unpack(head)
        if flags & KIND not in (COMMAND, REPLY) or not HEAD.size <= size <= 2 * LARGEST:
            raise PeerError(f"command {command} with flags {flags:#x} and {size} bytes")
        body = self.receive(peer, size - HEAD.size, files)
        if flags & KIND == REPLY:
            # Nothing was asked, so it is the error of a message that nobody took.
            return True
        answer, error = b"", 0
        try:
            answer = self._handle(command, body, files)
        except RefusedError as refused:
            error = refused.args[0]
        carrier.close(files)
        if not flags & NO_REPLY:
            kind = REPLY | ERROR if error else REPLY
            head = HEAD.pack(number, command, HEAD.size + len(answer), kind, error)
            with self._sending:
                peer.sendall(head + answer)
        return True

    def _handle(self, command: int, body: bytes, files: list[int]) -> bytes:
        """Do a command; what is answered.  Files that are kept are taken from the list."""
        if command == VERSION:
            return self._version(body)
        if command == DMA_MAP:
            return self._dma_map(body, files)
        if command == DMA_UNMAP:
            return self._dma_unmap(body)
        if command == INFO:
            return struct.pack("=IIII", 16, DEVICE, REGIONS, IRQS)
        if command == REGION_INFO:
            (index,) = self.numbers(body, "=I", 8)
            size = self._size(index)
            return struct.pack("=IIIIQQ", 32, 3 if size else 0, index, 0, size, 0)
        if command == IRQ_INFO:
            (index,) = self.numbers(body, "=I", 8)
            return struct.pack("=IIII", 16, IRQ, index, self._irqs(index))
        if command == SET_IRQS:
            return self._set_irqs(body, files)
        if command in (READ, WRITE):
            return self._access(command, body)
        if command == RESET:
            self.device.reset()
            return b""
        raise RefusedError(errno.ENOSYS)

    def _version(self, body: bytes) -> bytes:
        major, _ = self.numbers(body, "=HH", 0)
        if major:
            raise PeerError(f"version {major} of the protocol")
        can = {"capabilities": {"max_msg_fds": FILES, "max_data_xfer_size": LARGEST}}
        return struct.pack("=HH", 0, 0) + json.dumps(can).encode() + b"\0"

    # --- memory ---------------------------------------------------------------------------------

    def _dma_map(self, body: bytes, files: list[int]) -> bytes:
        _, _, offset, address, size = self.numbers(body, "=IIQQQ", 0)
        known = [(region.start, region.size) for region in self.regions] + self.unmapped
        if any(address < start + length and start < address + size for start, length in known):
            raise RefusedError(errno.EEXIST)
        if len(known) >= MOST:
            raise RefusedError(errno.ENOSPC)
        if files:
            self.regions = [*self.regions, self.map(files[0], address, size, offset)]
        else:
            self.unmapped.append((address, size))
        return b""

    def _dma_unmap(self, body: bytes) -> bytes:
        _, flags, address, size = self.numbers(body, "=IIQQ", 0)

        def stays(region: Region) -> bool:
            return not flags & ALL and (region.start, region.size) != (address, size)

        before = len(self.regions) + len(self.unmapped)
        self.regions = [region for region in self.regions if stays(region)]
        self.unmapped = [one for one in self.unmapped if not flags & ALL and one != (address, size)]
        if not flags & ALL and before == len(self.regions) + len(self.unmapped):
            raise RefusedError(errno.ENOENT)
        return body[:24]

    # --- the function ---------------------------------------------------------------------------

    def _size(self, region: int) -> int:
        """Bytes of a region, 0 if the device has none of these."""
        if region >= REGIONS:
            raise RefusedError(errno.EINVAL)
        return CONFIG_SIZE if region == CONFIG else self.device.sizes.get(region, 0)

    def _irqs(self, index: int) -> int:
        """How many interrupts of a kind there are."""
        if index >= IRQS:
            raise RefusedError(errno.EINVAL)
        kind = {MSI_IRQS: Msi, MSIX_IRQS: Msix}.get(index)
        stores: list[Store] = list(self.device.stores.values())
        return sum(store.slots for store in stores if kind and isinstance(store, kind))

    def _set_irqs(self, body: bytes, files: list[int]) -> bytes:
        _, flags, index, start, count = self.numbers(body, "=IIIII", 0)
        if start + count > self._irqs(index) and count:
            raise RefusedError(errno.EINVAL)
        # MSIs are written to the bus, and nothing else is there.
        if index == MSIX_IRQS and flags & TRIGGER:
            if flags & BY_FILE and len(files) not in (0, count):
                raise PeerError(f"{len(files)} files for {count} interrupts")
            with self.device.lock:
                if flags & BY_FILE:
                    self._take(range(start, start + count), files)
                elif not count:
                    self._take(range(self._irqs(index)), [])
        return b""

    def _take(self, indexes: Iterable[int], files: list[int]) -> None:
        """MSI-X entries have these files from now on, or none."""
        store = next((s for s in self.device.stores.values() if isinstance(s, Msix)), None)
        for index in indexes:
            old = self.files.pop(index, None)
            if files:
                # A peer that doesn't look must not keep the model waiting.
                self.files[index] = carrier.own(files)
            if store is not None:
                self.device.keep(store.name, index, index in self.files)
            if old is not None:
                os.close(old)

    def _access(self, command: int, body: bytes) -> bytes:
        at, region, count = self.numbers(body, "=QII", 0)
        data = body[16:]
        if count > LARGEST or at + count > self._size(region):
            raise RefusedError(errno.EINVAL)
        if command == READ and region == CONFIG:
            data = self.device.config_read(at, count)
        elif command == READ:
            data = self.device.read(region, at, count)
        elif len(data) != count:
            raise PeerError(f"{len(data)} bytes of {count} are written")
        elif region == CONFIG:
            self.device.config_write(at, data)
        else:
            self.device.write(region, at, data)
        return body[:16] + data if command == READ else body[:16]


def serve(device: Any, path: str) -> None:
    """Serve one guest at a socket until it goes, or until an interrupt from the keyboard."""
    words = f'"driver":"vfio-user-pci","socket":{{"type":"unix","path":"{path}"}}'
    carrier.serve(Server(device, path), f"start QEMU with -device '{{{words}}}'")
