"""What the carriers of models share: a socket with one guest, and that guest's memory.

A carrier is a server.  It brings a model the accesses of a guest, and the guest the messages of the
model.  One guest is served in a thread until it goes.  A guest that does what its protocol has not
is left alone, and ``broken`` says why.
"""

from __future__ import annotations

import array
import mmap
import os
import selectors
import socket
import struct
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

#: The largest access, and the largest chain of buffers, in bytes: more is a broken peer.
LARGEST = 1 << 20

#: Files that one request may bring.
FILES = 8

#: Seconds that the rest of a request may take, and an answer to be taken.
PATIENCE = 10.0


class PeerError(Exception):
    """The guest does what the protocol has not."""


@dataclass
class Region:
    """Memory of the guest: ``size`` bytes at ``start``, which are at ``offset`` in ``bytes``."""

    start: int
    size: int
    offset: int
    bytes: mmap.mmap


@dataclass
class Carrier:
    """One device on one socket.  ``device`` is a model, as ``Device`` of the run-time."""

    device: Any
    path: str
    regions: list[Region] = field(default_factory=list)
    #: Why the guest was left alone; None while all is well.
    broken: str | None = None
    peer: socket.socket | None = field(default=None, init=False)
    #: What :meth:`knocked` is to be called with again, although nobody knocks.
    more: set[Any] = field(default_factory=set, init=False)

    def start(self) -> None:
        """Listen, and serve one guest in a thread until it goes.  Raises OSError."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(self.path)
            self._listener.listen(1)
        except OSError as error:
            # A path that is too long has no number.
            self._listener.close()
            raise OSError(error.errno, error.strerror or str(error), self.path) from error
        self._stop, self._wake = os.pipe()
        self.ready = selectors.DefaultSelector()
        self.device.deliver = self.deliver
        self.device.memory = self.memory
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def join(self, limit: float | None = None) -> bool:
        """Wait until the guest has gone, for ``limit`` seconds at most; whether it has."""
        self._thread.join(limit)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Stop serving, and leave nothing behind."""
        os.close(self._wake)
        if not self.join(1) and self.peer is not None:
            # It waits for the rest of something.
            self.peer.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE + 5)
        os.close(self._stop)
        self._listener.close()
        self.forget()
        self.regions = []
        if os.path.exists(self.path):
            os.unlink(self.path)

    def memory(self, address: int, size: int) -> bytes:
        """What the guest's memory holds; zeros where there is none."""
        try:
            return bytes(self.view(address, size))
        except PeerError:
            return bytes(size)

    # --- what a carrier has of its own ------------------------------------------------------------

    def deliver(self, address: int, data: int) -> bool:
        """Send a message, whether anybody takes it or not; the device's lock is held.

        False: nobody takes messages to that address.
        """
        raise NotImplementedError

    def request(self, peer: socket.socket, files: list[int]) -> bool:
        """Answer one request; False where the guest has gone.

        Files that come along are put into ``files``, and closed if they stay there.
        """
        raise NotImplementedError

    def knocked(self, what: Any) -> None:
        """A file that the carrier has registered with ``what`` was written to."""

    def left(self) -> None:
        """The guest has gone, or is left alone."""

    def forget(self) -> None:
        """Close the files of the guest."""

    # --- what it does that with -------------------------------------------------------------------

    def receive(
        self, peer: socket.socket, size: int, files: list[int], first: bool = False
    ) -> bytes:
        """That many bytes; the files that come along go to ``files``.

        Nothing, if the guest goes ``first``.  Raises :class:`PeerError` where it goes later.
        """
        data = b""
        while len(data) < size:
            part, more, _, _ = peer.recvmsg(size - len(data), socket.CMSG_SPACE(FILES * 4))
            for level, kind, content in more:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    files += array.array("i", content[: len(content) // 4 * 4])
            if not part:
                if first and not data:
                    break
                raise PeerError("it has gone within a request")
            data += part
        return data

    def numbers(self, body: bytes, form: str, at: int) -> tuple[int, ...]:
        """Numbers in a request.  Raises :class:`PeerError` where that is too short."""
        if len(body) < at + struct.calcsize(form):
            raise PeerError(f"a request with {len(body)} bytes")
        return struct.unpack_from(form, body, at)

    def map(self, file: int, start: int, size: int, offset: int) -> Region:
        """Memory of the guest that is in a file.  Raises :class:`PeerError`."""
        if not size or offset + size > os.fstat(file).st_size:
            raise PeerError(f"{size} bytes at {offset:#x} are not in the file of its memory")
        return Region(start, size, offset, mmap.mmap(file, offset + size))

    def view(self, address: int, size: int) -> memoryview:
        """The bytes at an address of the guest.  Raises :class:`PeerError` where there are none."""
        for region in self.regions:
            at = address - region.start
            if at >= 0 and at + size <= region.size:
                return memoryview(region.bytes)[region.offset + at : region.offset + at + size]
        raise PeerError(f"{size} bytes at {address:#x} are no memory")

    # --- the thread -------------------------------------------------------------------------------

    def _serve(self) -> None:
        ready = self.ready
        ready.register(self._stop, selectors.EVENT_READ)
        ready.register(self._listener, selectors.EVENT_READ)
        try:
            while True:
                for key, _ in ready.select(0 if self.more else None):
                    if key.fd == self._stop:
                        return
                    if key.fileobj is self._listener:
                        self.peer, _ = self._listener.accept()
                        self.peer.settimeout(PATIENCE)
                        ready.unregister(self._listener)
                        ready.register(self.peer, selectors.EVENT_READ)
                    elif key.fileobj is self.peer:
                        if not self._request(self.peer):
                            return
                    else:
                        with suppress(BlockingIOError):
                            if not os.read(key.fd, 8):
                                raise PeerError("it has left its doorbell")
                        self.more.add(key.data)
                more, self.more = self.more, set()
                for what in more:
                    self.knocked(what)
        except Exception as error:
            # A broken guest, or a mistake in what the author of the model has added.
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.broken = f"{where.filename}:{where.lineno}: {type(error).__name__}: {error}"
        finally:
            self.left()
            ready.close()
            if self.peer is not None:
                self.peer.close()

    def _request(self, peer: socket.socket) -> bool:
        files: list[int] = []
        try:
            return self.request(peer, files)
        finally:
            close(files)


def taken(files: list[int]) -> list[int]:
    """All of them, which are not closed then."""
    out = files[:]
    files.clear()
    return out


def close(files: list[int]) -> None:
    """Those that nobody wants."""
    for number in taken(files):
        os.close(number)


def own(files: list[int]) -> int:
    """The first of them, which is not closed then; nobody is waited for at it."""
    number = files.pop(0)
    os.set_blocking(number, False)
    return number


def serve(server: Carrier, words: str) -> None:
    """Serve one guest at a socket until it goes, or until an interrupt from the keyboard.

    ``words`` say how the guest is started.
    """
    try:
        server.start()
    except OSError as error:
        said = f"{server.path}: {error.strerror}; name another socket, or remove it"
        raise SystemExit(said) from error
    print(f"waiting at {server.path}; {words}")
    try:
        server.join()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        for finding in server.device.findings:
            print(finding)
