"""Folders of files, changed as a whole.

The new folder is made beside the old one, of new files and of links to the files that stay. Then
the two change places in one step, so that whoever looks, and whenever the run is killed, sees all
files old or all files new. Where that can't be done (a mount point, a folder of somebody else, a
file system without renameat2() or hard links), the files are renamed one after the other, and
renamed back when one fails.

A run holds a lock on the folder's parent. So whoever has the lock knows that every stage there is
of a run that was killed, and removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

#: Seconds that a run waits for others that write into the same folder.
PATIENCE = 60

#: Files that a folder may hold to be made a second time; with more they are renamed one by one.
MOST = 10_000

_STAGE = re.compile(r"\.imsgen-[0-9a-f]{16}")
#: In a stage: a folder that isn't complete, and what has been set aside.
_NEW, _OLD = ".new", ".old"

#: Errors that say that folders can't change places here, and nothing of the files themselves.
_CANT_SWAP = {
    errno.E2BIG,
    errno.EACCES,
    errno.EBUSY,
    errno.EINVAL,
    errno.EMLINK,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EROFS,
    errno.EXDEV,
}

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextmanager
def locked(parents: Iterable[str]) -> Iterator[set[str]]:
    """Make the folders where they are missing, and keep other runs out of them.

    Gives those that could be locked; not every file system can. Folders that were made go again if
    what is done with them fails. Raises OSError, also if others hold a lock for too long.
    """
    made: list[str] = []
    locks: dict[str, int] = {}
    end = time.monotonic() + PATIENCE
    try:
        # In one order everywhere, or two runs would wait for each other.
        for _, parent in sorted({os.path.realpath(one): one for one in parents}.items()):
            lock = _lock(parent, made, end)
            if lock is not None:
                locks[parent] = lock
        yield set(locks)
    except BaseException:
        for folder in reversed(made):
            _quietly(os.rmdir, folder)
        raise
    finally:
        for lock in locks.values():
            os.close(lock)


@contextmanager
def signals_wait() -> Iterator[None]:
    """Signals that end the process come when this is left: what has begun is brought to an end."""
    import signal

    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def sweep(parent: str, ours: Callable[[str], set[str]]) -> None:
    """Remove the stages of dead runs in ``parent``, whose lock has to be held.

    ``ours`` gives the names of the files in a folder which the tool has made.
    """
    for name in _names(parent):
        stage = os.path.join(parent, name)
        if not _STAGE.fullmatch(name) or not _is_folder(stage):
            continue
        for inner in _names(stage):
            path = os.path.join(stage, inner)
            if inner in (_NEW, _OLD) or not _is_folder(path):
                _remove(path)
            else:
                _quietly(_dissolve, path, os.path.join(parent, inner), ours(path))
        _quietly(os.rmdir, stage)


def files_below(folder: str, most: int = MOST) -> Iterator[str]:
    """Names of all that is no folder, relative to ``folder``; links are not followed.

    Raises OSError, also if there are more than ``most``.
    """
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        folders = []
        for name in sorted(os.listdir(os.path.join(folder, inner))):
            path = os.path.join(inner, name)
            most -= 1
            if most < 0:
                raise OSError(errno.E2BIG, "too many files", folder)
            if _is_folder(os.path.join(folder, path)):
                folders.append(path)
            else:
                yield path
        waiting += reversed(folders)


class Change:
    """What happens to several folders: all of it, or nothing of it."""

    def __init__(self) -> None:
        self._parts: list[_Swap | _Renames] = []

    def __enter__(self) -> Change:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        for part in reversed(self._parts):
            if kind is not None:
                part.undo()
            part.finish()

    def prepare(self, folder: str, files: Mapping[str, bytes], gone: Iterable[str]) -> None:
        """Have ``folder`` get these files and lose those of ``gone``, by names below it."""
        part: _Swap | _Renames = _Swap(folder, files, set(gone))
        self._parts.append(part)
        try:
            part.prepare()
        except OSError as error:
            self._rename_instead(part, error)

    def make(self) -> None:
        """Do it.  Raises OSError half-way; leaving undoes it then."""
        for part in list(self._parts):
            try:
                part.make()
            except OSError as error:
                self._rename_instead(part, error).make()

    def _rename_instead(self, part: _Swap | _Renames, error: OSError) -> _Renames:
        if isinstance(part, _Renames) or error.errno not in _CANT_SWAP:
            raise error
        part.finish()
        other = _Renames(part.folder, part.files, part.gone)
        self._parts[self._parts.index(part)] = other
        other.prepare()
        return other


# --- inside -----------------------------------------------------------------------------------


class _Swap:
    """A second folder, made in a stage beside the first; then they change places."""

    def __init__(self, folder: str, files: Mapping[str, bytes], gone: set[str]) -> None:
        self.folder, self.files, self.gone = folder, files, gone
        self._stage = _stage_in(os.path.dirname(folder))
        self._other = os.path.join(self._stage, os.path.basename(folder))
        self._there = False
        self._done = False

    def prepare(self) -> None:
        os.mkdir(self._stage, 0o700)
        new = os.path.join(self._stage, _NEW)
        os.mkdir(new)
        for name, data in self.files.items():
            _write(os.path.join(new, name), data)
        self._there = os.path.isdir(self.folder)
        if self._there:
            _link(self.folder, new, {*self.files, *self.gone})
        # From here on it is complete, and may be what another run finds.
        os.rename(new, self._other)

    def make(self) -> None:
        if self._there:
            _exchange(self._other, self.folder)
        else:
            os.rename(self._other, self.folder)
        self._done = True

    def undo(self) -> None:
        if self._done:
            swap = _exchange if self._there else os.rename
            _quietly(swap, self.folder, self._other)

    def finish(self) -> None:
        _remove(os.path.join(self._stage, _NEW))
        if _is_folder(self._other):
            _quietly(_dissolve, self._other, self.folder, {*self.files, *self.gone})
        _quietly(os.rmdir, self._stage)


class _Renames:
    """Files written in a stage in the folder, then renamed one by one."""

    def __init__(self, folder: str, files: Mapping[str, bytes], gone: set[str]) -> None:
        self.folder, self.files, self.gone = folder, files, gone
        self._stage = _stage_in(folder)
        self._made: list[str] = []
        self._undo: list[tuple[str, str | None]] = []
        self._undone = False

    def prepare(self) -> None:
        _folders(self.folder, self._made)
        os.mkdir(self._stage, 0o700)
        for number, data in enumerate(self.files.values()):
            _write(os.path.join(self._stage, _NEW, str(number)), data)
        os.mkdir(os.path.join(self._stage, _OLD))

    def make(self) -> None:
        for name in self.gone:
            self._set_aside(os.path.join(self.folder, name))
        for number, name in enumerate(self.files):
            path = os.path.join(self.folder, name)
            _folders(os.path.dirname(path), self._made)
            if os.path.lexists(path):
                self._set_aside(path)
            else:
                self._undo.append((path, None))
            os.rename(os.path.join(self._stage, _NEW, str(number)), path)

    def _set_aside(self, path: str) -> None:
        kept = os.path.join(self._stage, _OLD, str(len(self._undo)))
        # Noted first: putting back what never went fails, and does no harm.
        self._undo.append((path, kept))
        os.rename(path, kept)

    def undo(self) -> None:
        for path, kept in reversed(self._undo):
            if kept is None:
                _quietly(os.unlink, path)
            else:
                _quietly(os.replace, kept, path)
        self._undone = True

    def finish(self) -> None:
        _remove(self._stage)
        for folder in reversed(self._made if self._undone else []):
            _quietly(os.rmdir, folder)
        for name in self.gone:
            inner = os.path.dirname(name)
            while inner and not self._undone:
                _quietly(os.rmdir, os.path.join(self.folder, inner))
                inner = os.path.dirname(inner)


def _lock(folder: str, made: list[str], end: float) -> int | None:
    while True:
        _folders(folder, made)
        try:
            lock = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            # A run that failed has removed what it had made, or the current folder is gone.
            if time.monotonic() > end or (not os.path.isabs(folder) and _is_gone()):
                raise
            continue
        except PermissionError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(folder or ".")):
                return lock
        except FileNotFoundError:
            pass
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(lock)
                raise TimeoutError(
                    errno.ETIMEDOUT, f"another run has been writing for {PATIENCE} s", folder or "."
                ) from None
            time.sleep(0.01)
        except OSError:
            os.close(lock)
            return None
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _is_gone() -> bool:
    try:
        return not os.getcwd()
    except FileNotFoundError:
        return True


def _folders(folder: str, made: list[str]) -> None:
    """Make a folder and those above it, and add them to ``made``.  It may be deep."""
    todo = []
    while folder and not os.path.isdir(folder):
        todo.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(todo):
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
        except FileNotFoundError:
            return  # another run has removed the one above
        else:
            made.append(path)


def _stage_in(folder: str) -> str:
    return os.path.join(folder, f".imsgen-{os.urandom(8).hex()}")


def _write(path: str, data: bytes) -> None:
    _folders(os.path.dirname(path), [])
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(out, rest) :]
    finally:
        os.close(out)


def _link(old: str, new: str, but: set[str]) -> None:
    """Have in ``new`` what is in ``old``, but for some names.  Raises OSError."""
    for name in files_below(old):
        if name not in but:
            path = os.path.join(new, name)
            _folders(os.path.dirname(path), [])
            os.link(os.path.join(old, name), path, follow_symlinks=False)
    # Folders keep their modes, and those that had nothing in them stay.
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        path, before = os.path.join(new, inner), os.stat(os.path.join(old, inner))
        names = os.listdir(os.path.join(old, inner))
        waiting += [
            os.path.join(inner, name)
            for name in names
            if _is_folder(os.path.join(old, inner, name))
        ]
        if not names:
            _folders(path, [])
        if not os.path.isdir(path):
            continue
        now = os.stat(path)
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            raise PermissionError(errno.EPERM, "of another owner", path)
        if now.st_mode != before.st_mode:
            os.chmod(path, stat.S_IMODE(before.st_mode))


def _exchange(one: str, other: str) -> None:
    """Two folders change places.  Raises OSError, also where this can't be done."""
    try:
        import ctypes

        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (ImportError, OSError, AttributeError):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), one) from None
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if rename(*paths, _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), other)


def _dissolve(old: str, folder: str, ours: set[str]) -> None:
    """Remove a folder whose place another has; what isn't ours and came late moves over."""
    for name in list(files_below(old)):
        path, kept = os.path.join(old, name), os.path.join(folder, name)
        if name not in ours and _is_newer(path, kept) and not has_link(folder, name):
            _folders(os.path.dirname(kept), [])
            os.replace(path, kept)
        else:
            os.unlink(path)
    _remove(old)


def _is_newer(path: str, other: str) -> bool:
    try:
        return os.lstat(path).st_mtime_ns > os.lstat(other).st_mtime_ns
    except FileNotFoundError:
        return True


def has_link(folder: str, name: str) -> bool:
    """Whether the way from ``folder`` (included) to the file ``name`` (excluded) has a link."""
    inner = name
    while inner:
        inner = os.path.dirname(inner)
        if os.path.islink(os.path.join(folder, inner).rstrip("/")):
            return True
    return False


def _remove(path: str) -> None:
    """Remove a folder with all that is in it, or a file, as far as that can be done."""
    if not _is_folder(path):
        _quietly(os.unlink, path)
        return
    todo, found = [path], []
    while todo:
        folder = todo.pop()
        found.append(folder)
        for name in _names(folder):
            inner = os.path.join(folder, name)
            if _is_folder(inner):
                todo.append(inner)
            else:
                _quietly(os.unlink, inner)
    for folder in reversed(found):
        _quietly(os.rmdir, folder)


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder or "."))
    except OSError:
        return []


def _quietly(do: Callable[..., object], *args: object) -> None:
    try:
        do(*args)
    except OSError:
        pass
