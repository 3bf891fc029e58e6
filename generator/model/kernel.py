"""Build the kernel in which a driver meets the model of its device.

The tree is read and never changed: a clone that shares its objects takes the series and the driver.
There only files whose text changes are written, so that a second build makes little.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from imsgen.dsl.model import Device
from imsgen.templates import ROOT

from .. import __version__
from ..doctor import Lead, leads
from ..kernel.target import probe
from ..names import names_of
from ..patches import mbox
from ..series import Planner
from ..terminal import say

#: Where the driver is in the kernel tree.
FOLDER = "drivers/imsgen-run"

#: Groups of preparatory scripts without which User Mode Linux can't be a parent.
PARENT = frozenset({"quiesce", "ims", "stores", "msi_lib"})

#: Seconds that a command may take: a build from nothing is the longest.
LIMIT = 3000.0

#: Seconds from one word about a command that goes on to the next.
TICK = 10


class BuildError(Exception):
    """No kernel could be built; the text says why."""


@dataclass(frozen=True)
class Kind:
    """A kind of kernel: what it is built for, from which configuration, and where it is then."""

    arch: str
    config: str
    target: str
    #: Below the folder of objects.
    image: str
    #: What keeps its files from those of the other kind.
    suffix: str
    #: The number of its terminal: major and minor.
    terminal: tuple[int, int]


UML = Kind("um", "um.config", "linux", "linux", "", (4, 1))
#: Its program is at the second serial port, what the kernel says goes to the first.
X86 = Kind("x86_64", "x86_64.config", "bzImage", "arch/x86/boot/bzImage", "-x86_64", (4, 65))


@dataclass(frozen=True)
class Work:
    """Where the kernel of one tree is built: a folder of the user's cache."""

    tree: Path
    home: Path
    kind: Kind = UML

    @property
    def source(self) -> Path:
        """The clone."""
        return self.home / "source"

    @property
    def objects(self) -> Path:
        """What make builds."""
        return self.home / f"objects{self.kind.suffix}"

    @property
    def image(self) -> Path:
        """The kernel itself."""
        return self.objects / self.kind.image


def work_of(tree: str, kind: Kind = UML) -> Work:
    """The folder for a tree.  Raises :class:`BuildError` where that is no repository."""
    real = Path(os.path.realpath(tree))
    if not (real / "arch/um").is_dir() or not (real / ".git").exists():
        raise BuildError(f"{tree}: not a kernel tree in a git repository")
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    key = hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
    return Work(real, cache / "imsgen" / "run" / key, kind)


@dataclass(frozen=True)
class Driver:
    """A driver of a device: its text, and what errors call it."""

    device: Device
    text: str
    name: str

    @property
    def path(self) -> str:
        """Where it is in the kernel tree."""
        return f"{FOLDER}/{self.device.name}.c"


@contextmanager
def locked(work: Work) -> Iterator[None]:
    """The folder is this process's alone, and there is none where nothing comes of it.

    Raises :class:`BuildError` where another process has it.
    """
    work.home.mkdir(parents=True, exist_ok=True)
    lock = work.home / "lock"
    with open(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(file.fileno()).st_nlink:
                raise BlockingIOError("the one who had it has removed it")
        except BlockingIOError as error:
            raise BuildError(f"{work.home}: another imsgen run builds there") from error
        try:
            yield
        finally:
            if [path.name for path in work.home.iterdir()] == ["lock"]:
                lock.unlink()
                work.home.rmdir()


def build(work: Work, device: Device, driver: str, name: str, patches: Sequence[str]) -> Path:
    """The kernel with the device's series, ``patches`` and the text of a driver; gives its path.

    ``name`` is what errors call the driver.  Raises :class:`BuildError`, and whatever
    :class:`Planner` raises.
    """
    return build_all(work, [Driver(device, driver, name)], patches)


def build_all(work: Work, drivers: Sequence[Driver], patches: Sequence[str]) -> Path:
    """As :func:`build`, with several devices, whose names differ, and the driver of each."""
    # The models are in no machine of the architectures that the layouts name.
    devices = [replace(one.device, architectures=()) for one in drivers]
    series = Planner(probe(str(work.tree))).series(devices, PARENT)
    mails = mbox(series.commits, __version__)
    _source(work, drivers, patches, mails)
    _configure(work)
    said, code = _call(_make(work, work.kind.target), work.home)
    if code:
        raise BuildError(complaints(said, drivers, series.files))
    return work.image


def start_program(work: Work) -> Path:
    """A root file system with the one program of the guest; gives its path."""
    source = Path(ROOT, "model", "init.c")
    program, image = work.home / "init", work.home / f"initrd{work.kind.suffix}"
    if not image.exists() or image.stat().st_mtime < source.stat().st_mtime:
        command = ["gcc", "-static", "-O1", "-o", str(program), str(source)]
        said, code = _call(command, work.home)
        if code:
            raise BuildError(f"the guest's program can't be made\n{said}")
        image.write_bytes(archive(program.read_bytes(), work.kind.terminal))
    return image


def archive(program: bytes, number: tuple[int, int] = UML.terminal) -> bytes:
    """An initial file system, in the form of cpio: folders, a terminal, and ``/init``.

    The program calls its terminal ``tty1``, whatever ``number`` makes it.
    """
    folder, file, terminal = 0o040755, 0o100755, 0o020600
    entries = [
        *((name, folder, b"", (0, 0)) for name in ("dev", "proc", "sys")),
        ("dev/tty1", terminal, b"", number),
        ("init", file, program, (0, 0)),
        ("TRAILER!!!", 0, b"", (0, 0)),
    ]
    out = b""
    for inode, (name, mode, data, device) in enumerate(entries, 1):
        fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return out


def complaints(said: str, drivers: Sequence[Driver], made: Mapping[str, str]) -> str:
    """What the compiler says is wrong, or else the end of what make says.

    Drivers are called what the user calls them; behind a line of a generated file, of those in
    ``made``, is where the layout has what it is made of.
    """
    names = {place: one.name for one in drivers for place in (one.path, os.path.abspath(one.name))}
    out = []
    for path, rest in re.findall(r"(?m)^(.+?)(:\d+:\d+: (?:fatal )?error: .*)$", said):
        known = [place for place in (*names, *made) if f"/{path}".endswith(f"/{place.lstrip('/')}")]
        text = (names.get(known[0], known[0]) if known else path) + rest
        out.append(text)
        for lead in (lead for one in drivers for lead in _leads(one.device, made, text)):
            where = f"{lead.span.source.name}:{lead.span.line}:{lead.span.column}"
            out.append(f"  {where}: made of this: `{lead.name}`")
    return "\n".join(out) if out else f"the kernel can't be built\n{_last(said)}"


# --- inside -----------------------------------------------------------------------------------


def _source(work: Work, drivers: Sequence[Driver], patches: Sequence[str], mails: str) -> None:
    base = _git(work.tree, "rev-parse", "HEAD").strip()
    if not (work.home / "cloned").exists():
        shutil.rmtree(work.source, ignore_errors=True)
        _git(work.home, "clone", "--quiet", "--shared", "--no-checkout", str(work.tree), "source")
        (work.home / "cloned").touch()
    for left in ("index.lock", "new-index.lock"):
        (work.source / ".git" / left).unlink(missing_ok=True)
    index = {"GIT_INDEX_FILE": str(work.source / ".git" / "new-index")}
    _git(work.source, "read-tree", base, more=index)
    looked = {"GIT_OPTIONAL_LOCKS": "0"}
    if _git(work.tree, "status", "--porcelain", "--untracked-files=no", more=looked):
        say(f"{work.tree} has changes that are not committed, which are left out")
    _git(work.source, "apply", "--cached", "--whitespace=nowarn", "-", more=index, text=mails)
    for patch in patches:
        try:
            _git(work.source, "apply", "--cached", os.path.abspath(patch), more=index)
        except BuildError as error:
            text = f"{patch}: it does not fit {work.tree} with the series of the device\n{error}"
            raise BuildError(text) from error
    selected = [names_of(one.device).symbol for one in drivers]
    if any(one.device.subdevices for one in drivers):
        selected.append("AUXILIARY_BUS")
    files = {one.path: one.text for one in drivers} | {
        f"{FOLDER}/Makefile": "".join(
            # For gdb, which finds its way by lines.
            f"obj-y += {one.device.name}.o\nCFLAGS_{one.device.name}.o := -g\n"
            for one in drivers
        ),
        f"{FOLDER}/Kconfig": "config IMSGEN_RUN\n\tdef_bool y\n"
        + "".join(f"\tselect {symbol}\n" for symbol in selected),
    }
    for path, more in (
        ("drivers/Makefile", f"obj-y += {os.path.basename(FOLDER)}/\n"),
        ("drivers/Kconfig", f'source "{FOLDER}/Kconfig"\n'),
    ):
        files[path] = _git(work.source, "show", f":{path}", more=index) + more
    entries = ""
    for path, text in files.items():
        blob = _git(work.source, "hash-object", "-w", "--stdin", text=text).strip()
        entries += f"100644 {blob}\t{path}\n"
    _git(work.source, "update-index", "--index-info", more=index, text=entries)
    _git(
        work.source,
        "read-tree",
        "--reset",
        "-u",
        _git(work.source, "write-tree", more=index).strip(),
    )
    parent = (work.source / "arch/um/drivers/virt-pci.c").read_text()
    if work.kind is UML and "MSI_FLAG_PCI_IMS" not in parent:
        raise BuildError(
            f"{work.tree}: its User Mode Linux takes no message stores; give the patch that "
            "kernel_test_module/uml has for it by --patch"
        )


def _configure(work: Work) -> None:
    """Make ``.config``, unless what it comes from is what it was."""
    wanted = Path(ROOT, "model", work.kind.config).read_text()
    key = hashlib.sha256(wanted.encode())
    listed = _git(work.source, "ls-files", "--stage", "--", "*Kconfig*", "Makefile")
    key.update(listed.encode())
    stamp = work.home / f"configured{work.kind.suffix}"
    if stamp.exists() and stamp.read_text() == key.hexdigest():
        return
    work.objects.mkdir(exist_ok=True)
    fragment = work.objects / "imsgen.config"
    fragment.write_text(wanted)
    said, code = _call(_make(work, f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig"), work.home)
    if code:
        raise BuildError(f"no configuration\n{_last(said)}")
    got = set((work.objects / ".config").read_text().splitlines())
    lacks = [line for line in wanted.splitlines() if line.startswith("CONFIG") and line not in got]
    if lacks:
        raise BuildError("the configuration lacks " + ", ".join(lacks))
    stamp.write_text(key.hexdigest())


def _make(work: Work, *words: str) -> list[str]:
    made = ["make", "-C", str(work.source), f"O={work.objects}", f"ARCH={work.kind.arch}"]
    return [*made, f"-j{os.cpu_count() or 1}", *words]


def _leads(device: Device, made: Mapping[str, str], text: str) -> Iterator[Lead]:
    """What of the layout an error in one of its generated files is about."""
    names = names_of(device)
    paths = {names.glue, names.header, *(store.path for store in names.headers)} & made.keys()
    if text.partition(":")[0] in paths:
        yield from leads(device, {path: made[path] for path in paths}, text)


def _last(said: str) -> str:
    return "\n".join(said.splitlines()[-20:])


def _git(
    folder: Path, *words: str, more: Mapping[str, str] | None = None, text: str | None = None
) -> str:
    """What git says.  Raises :class:`BuildError` with its complaint."""
    # A variable as GIT_DIR, set by a hook, would lead elsewhere.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=false", *words],
        cwd=folder,
        env={**env, **(more or {})},
        input=text.encode("utf-8", "surrogateescape") if text is not None else b"",
        capture_output=True,
        timeout=LIMIT,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise BuildError(f"git {words[0]} in {folder}: {_last(said)}")
    return done.stdout.decode("utf-8", "surrogateescape")


def _call(command: Sequence[str], home: Path) -> tuple[str, int]:
    """Run a command to its end, all of it stopped with this process; what it says, and its code."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"LC_ALL": "C", "KBUILD_BUILD_TIMESTAMP": "2000-01-01"}
    with open(home / "build.log", "w+b") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=env,
            start_new_session=True,
        )
        try:
            code = _wait(process, command[0], home / "build.log")
        finally:
            stop(process)
        log.seek(0)
        return log.read().decode(errors="replace"), code


def _wait(process: subprocess.Popen[bytes], name: str, log: Path) -> int:
    """The exit code; until then, now and then what it says."""
    for waited in range(0, int(LIMIT), TICK):
        try:
            return process.wait(TICK)
        except subprocess.TimeoutExpired:
            lines = log.read_text(errors="replace").splitlines() or [""]
            say(
                f"{name}: {waited + TICK} s, {len(lines)} lines, {' '.join(lines[-1].split())[:60]}"
            )
    raise BuildError(f"{name} did not end within {LIMIT:g} s")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started in a session of its own, and all that it has started."""
    import signal

    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
