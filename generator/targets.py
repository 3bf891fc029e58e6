"""What a kernel tree can do: the only home of differences between kernels.

A :class:`Target` is made from a tree, whose headers are read (its version number isn't), or from
an embedded profile, which holds the lines that our edits need and nothing else.

``python -m imsgen.generator.targets record TREE -o FILE`` records a profile.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence

from imsgen.dsl import bounded
from imsgen.dsl.records import dataclass, field

from . import prepared
from .edits import OURS, EditError, FileDiff, Lines, Provider, Workspace
from .names import IRQCHIP
from .patches import Commit
from .scripts import GROUPS, Script, load_scripts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Folder of the embedded profiles.
PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "profiles")

#: The reference kernel.
DEFAULT = "linux-6.12"

#: Bytes of a file of a tree at most, and of all that are looked through for names.
MAX_BYTES, MAX_TOTAL = 16 << 20, 512 << 20

#: Raised whenever the profiles' form changes.
_FORMAT = 1

#: What some kernels want to have used, and others don't have or don't ask for: stable kernels of
#: 6.12 have got the macros, but not the demand. So it is read where a kernel demands it.
APIS = ("kzalloc_obj",)
DEMANDS = "scripts/checkpatch.pl"

#: Files whose names a profile holds, because names made for a device must not meet them.
_NAMED = (IRQCHIP, f"{IRQCHIP}/tests", "include/linux/irqchip", "Documentation/core-api/irq/ims")

#: What every kernel tree with MSI has; the first is what a wrong folder lacks.
_TREE = ("Kbuild", "MAINTAINERS", "Makefile", "include/linux/msi.h", "include/linux/pci.h")


class TargetError(Exception):
    """There is no such kernel, or nothing can be made for it."""


@dataclass(frozen=True)
class Features:
    """What a tree has before any patch of ours.

    ``ims`` is "none", "native" (6.2 to 6.9) or "ours"; ``ims_at``: an index can be asked for.
    """

    ims: str = "none"
    ims_at: bool = False
    kunit_support: bool = False
    docs: bool = False

    def has(self, need: str) -> bool:
        """Whether nothing has to be done for that group of scripts."""
        return {
            "ims": self.ims != "none",
            "kunit_support": self.kunit_support,
            "docs": self.docs,
        }[need]


@dataclass(frozen=True)
class Core:
    """The commits that prepare a kernel, and its files as they leave them."""

    commits: tuple[Commit, ...]
    provider: Provider


@dataclass(frozen=True)
class Target:
    """A kernel that a series is made for.

    ``skew`` is the key of the edit scripts' ``kernel``: "6.12" before struct msi_domain_ops got
    msi_teardown, "7" since.
    """

    name: str
    skew: str
    features: Features
    provider: Files = field(repr=False, compare=False)
    #: The preparatory commits, where they were made ahead.
    core: Core | None = field(repr=False, compare=False, default=None)
    #: Those of :data:`APIS` that the kernel wants.
    apis: frozenset[str] = frozenset()

    @property
    def native(self) -> bool:
        """Whether the tree has the IMS functions of 6.2 to 6.9."""
        return self.features.ims == "native"

    @property
    def has_alloc_at(self) -> bool:
        """Whether pci_ims_alloc_irq_at() is there once the series' core patches are applied."""
        return not self.native

    @property
    def has_descs_guard(self) -> bool:
        """Whether the MSI descriptors are locked by guard(msi_descs_lock), and no other way."""
        return self.skew == "7"

    def zeroed(self, pointer: str) -> str:
        """The C expression that allocates what a pointer points to, and zeroes it."""
        if "kzalloc_obj" in self.apis:
            return f"kzalloc_obj(*{pointer})"
        return f"kzalloc(sizeof(*{pointer}), GFP_KERNEL)"

    def needs(self, script: Script) -> bool:
        """Whether the script belongs into a series for this kernel."""
        return not self.features.has(script.needs)


class Files(Provider):
    """A kernel's files, and what is known of names in it."""

    def symbols(self) -> frozenset[str]:
        """Kconfig symbols which look as if they were ours."""
        raise NotImplementedError

    def exports(self, near: str) -> dict[str, str]:
        """Exported symbols and where they are, of files around the folder ``near``."""
        raise NotImplementedError


# --- trees ------------------------------------------------------------------------------------


class TreeFiles(Files):
    """The files of a tree on disk."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._kconfigs: frozenset[str] | None = None
        self._exports: dict[str, dict[str, str]] = {}

    def lines(self, path: str) -> Lines | None:
        try:
            text = self._read(path).decode("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise EditError(f"{path}: {error.strerror}") from error
        if text and not text.endswith("\n"):
            raise EditError(f"{path}: the last line has no end")
        return list(text.split("\n")[:-1])

    def exists(self, path: str) -> bool:
        return os.path.lexists(os.path.join(self.root, path))

    def text(self, path: str) -> str:
        """The text of a file, empty if there is none."""
        return "\n".join(line or "" for line in self.lines(path) or [])

    def symbols(self) -> frozenset[str]:
        if self._kconfigs is None:
            found: set[str] = set()
            for _, text in self._texts("", "Kconfig", ""):
                found |= _symbols(text)
            self._kconfigs = frozenset(found)
        return self._kconfigs

    def exports(self, near: str) -> dict[str, str]:
        if near in self._exports:
            return self._exports[near]
        out = self._exports[near] = {}
        for top in sorted(
            {near, IRQCHIP, "drivers/base", "drivers/iommu", "drivers/pci", "kernel/irq"}
        ):
            for path, text in self._texts(top, "", ".c"):
                for symbol in exported(text):
                    out.setdefault(symbol, path)
        return out

    def _read(self, path: str) -> bytes:
        """A file of the tree; one that a link leads to must be in the tree, too."""
        real = os.path.realpath(os.path.join(self.root, path))
        if os.path.commonpath((real, self._real)) != self._real:
            raise OSError(errno.ELOOP, "a link that leads out of the tree", path)
        return bounded.read_all(real, MAX_BYTES)

    def _texts(self, top: str, start: str, end: str) -> Iterator[tuple[str, str]]:
        """All files below a folder whose names start and end so, without those that can't be read.

        Raises :class:`EditError` if they are too much to be a kernel's.
        """
        left = MAX_TOTAL
        for path in self._below(top):
            name = os.path.basename(path)
            if not (name.startswith(start) and name.endswith(end)):
                continue
            try:
                data = self._read(path)
            except OSError:
                continue
            left -= len(data)
            if left < 0:
                raise EditError(f"{top or self.root}: the files have more than {MAX_TOTAL:,} bytes")
            yield path, data.decode("utf-8", "replace")

    def _below(self, top: str) -> Iterator[str]:
        """Paths of what is no folder, sorted folder by folder; folders that are links are not."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(os.path.join(self.root, folder)) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
                folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            except OSError:
                continue
            inner = set(folders)
            yield from (
                os.path.join(folder, entry.name) for entry in entries if entry.name not in inner
            )
            waiting += [os.path.join(folder, name) for name in reversed(folders) if name[:1] != "."]


_EXPORT = re.compile(r"(?:_NS)?(?:_GPL)?\((\w+)")
# Compiled when it is first used, which a run without a tree never does.
_CONFIG = r"(?m)^[ \t]*(?:menu)?config[ \t]+(\w+)[ \t]*$"


def exported(text: str) -> list[str]:
    """The symbols that a C file exports."""
    # Far quicker than an expression that looks at the start of every line.
    lines = f"\n{text}".split("\nEXPORT_SYMBOL")[1:]
    return [found[1] for found in map(_EXPORT.match, lines) if found]


def _symbols(text: str) -> set[str]:
    return {name for name in re.findall(_CONFIG, text) if OURS.fullmatch(name)}


def find_tree(start: str) -> str | None:
    """The kernel tree that the folder ``start`` is in, if any."""
    try:
        folder = os.path.abspath(start)
    except FileNotFoundError:
        return None  # the current folder was removed
    while True:
        if all(os.path.exists(os.path.join(folder, path)) for path in _TREE):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def probe(root: str, scripts: Sequence[Script] | None = None) -> Target:
    """The target that the tree at ``root`` is.

    Raises :class:`TargetError` when it isn't a kernel tree, is too old, or has a part of the
    preparatory patches only.
    """
    files = TreeFiles(root)
    if not os.path.isdir(root):
        raise TargetError(f"{root}: not a directory")
    for path in _TREE:
        if not files.exists(path):
            raise TargetError(f"{root}: not a Linux kernel tree, it has no {path}")
    try:
        return _probe(files, root, load_scripts() if scripts is None else scripts)
    except EditError as error:
        raise TargetError(f"{root}: {error}") from error


def _probe(files: TreeFiles, root: str, scripts: Sequence[Script]) -> Target:
    msi = files.text("include/linux/msi.h")
    if not re.search(r"\bmsi_create_device_irq_domain\(", msi):
        raise TargetError(
            f"{root}: include/linux/msi.h declares no msi_create_device_irq_domain(). "
            "Linux has per-device MSI domains since 6.2; nothing can be made for older kernels."
        )
    pci = files.text("include/linux/pci.h")
    at = re.search(r"\bpci_ims_alloc_irq_at\(", pci) is not None
    native = not at and re.search(r"\bpci_ims_alloc_irq\(", pci) is not None
    groups = {
        need: (native and need == "ims") or _applied(files, root, need, scripts) for need in GROUPS
    }
    demands = files.text(DEMANDS)
    return Target(
        name=_version(files.text("Makefile"), root),
        skew=skew_of(msi),
        features=Features(
            ims="native" if native else "ours" if groups["ims"] else "none",
            ims_at=at,
            kunit_support=groups["kunit_support"],
            docs=groups["docs"],
        ),
        provider=files,
        apis=frozenset(name for name in APIS if name in demands),
    )


def skew_of(msi: str) -> str:
    """The skew key of a kernel with that include/linux/msi.h."""
    return "7" if re.search(r"\(\*msi_teardown\)", msi) else "6.12"


def _applied(files: Files, root: str, need: str, scripts: Sequence[Script]) -> bool:
    """Whether all scripts of a group are in the tree (true) or none of them (false)."""
    missing: list[str] = []
    marks = 0
    for script in scripts:
        if script.needs == need:
            marks += len(script.present)
            missing += script.missing(files)
    if marks and 0 < len(missing) < marks:
        raise TargetError(
            f"{root}: a part of {GROUPS[need]} is there, and a part is missing: "
            f"{', '.join(missing)}. Apply the rest of the patches, or none of them."
        )
    return bool(marks) and not missing


def _version(makefile: str, root: str) -> str:
    found = re.search(r"^VERSION = (\d+)\nPATCHLEVEL = (\d+)$", makefile, re.MULTILINE)
    if not found:
        raise TargetError(f"{root}: not a Linux kernel tree, its Makefile names no version")
    return f"linux-{found[1]}.{found[2]}"


# --- profiles ---------------------------------------------------------------------------------


class ProfileFiles(Files):
    """The sparse files of a profile."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._files: dict[str, Any] = data["files"]
        self._paths = frozenset(data["paths"])
        self._symbols = frozenset(data["symbols"])

    def lines(self, path: str) -> Lines | None:
        entry = self._files.get(path)
        if entry is None:
            if self._elsewhere(path):
                raise EditError(f"{path}: an embedded kernel profile has no such file, use --tree")
            return None
        lines: Lines = [None] * entry["lines"]
        for first, known in entry["known"]:
            lines[first - 1 : first - 1 + len(known)] = known
        return lines

    def exists(self, path: str) -> bool:
        return path in self._files or path in self._paths

    def symbols(self) -> frozenset[str]:
        return self._symbols

    def exports(self, near: str) -> dict[str, str]:
        return {}

    def _elsewhere(self, path: str) -> bool:
        return os.path.dirname(path) not in _NAMED


def profiles() -> tuple[str, ...]:
    """Names of the embedded profiles."""
    return tuple(
        sorted(n.removesuffix(".json") for n in os.listdir(PROFILES) if n.endswith(".json"))
    )


def embedded(name: str) -> Target:
    """The embedded profile of that name.  Raises :class:`TargetError`."""
    if name not in profiles():
        raise TargetError(f"no kernel {name}: there is {', '.join(profiles())}")
    made = prepared.kernel(name)
    if made is not None:
        return from_profile(made["profile"], _core(made))
    import json

    with open(os.path.join(PROFILES, f"{name}.json"), encoding="utf-8") as file:
        return from_profile(json.load(file))


def from_profile(data: dict[str, Any], core: Core | None = None) -> Target:
    """The target that a profile describes.  Raises :class:`TargetError`."""
    if data.get("format") != _FORMAT:
        raise TargetError(f"a kernel profile of another format: {data.get('format')!r}")
    return Target(data["name"], data["skew"], Features(), ProfileFiles(data), core)


def _core(made: dict[str, Any]) -> Core:
    commits = tuple(
        Commit(subject, body, tuple(FileDiff(*diff) for diff in diffs))
        for subject, body, diffs in made["commits"]
    )
    return Core(commits, ProfileFiles({**made["profile"], "files": made["after"]}))


def sparse(lines: Lines) -> dict[str, Any]:
    """A file as a profile has it."""
    known = {number for number, line in enumerate(lines) if line is not None}
    return {"lines": len(lines), "known": _blocks(lines, known)}


def record(root: str, scripts: Sequence[Script] | None = None) -> dict[str, Any]:
    """The profile of a pristine tree: the lines that edits and device entries need.

    Raises :class:`TargetError` when the tree is not pristine, or :class:`EditError` when a script
    doesn't fit it.
    """
    scripts = load_scripts() if scripts is None else scripts
    target = probe(root, scripts)
    if target.features != Features():
        raise TargetError(f"{root}: not pristine, it has {target.features}")
    work = Workspace(target.provider, trace=True)
    for script in scripts:
        script.apply(work, target.skew, {new.path: "" for new in script.new})
        work.commit()
    _probe_device(work)
    files = {}
    for path, needed in sorted(work.needed.items()):
        lines = target.provider.lines(path) or []
        files[path] = {"lines": len(lines), "known": _blocks(lines, needed)}
    return {
        "format": _FORMAT,
        "name": target.name,
        "skew": target.skew,
        "files": files,
        "paths": sorted(_names(root)),
        "symbols": sorted(target.provider.symbols()),
    }


def _probe_device(work: Workspace) -> None:
    """The entries that any device adds, so that the lines around them are recorded."""
    work.kconfig(f"{IRQCHIP}/Kconfig", "config ZZZ_IRQS\n")
    work.makefile(f"{IRQCHIP}/Makefile", "ZZZ_IRQS", "irq-zzz.o")
    work.maintainers("INTERRUPT MESSAGE STORE, ZZZ", ["S:\tMaintained"])
    work.commit()


def _names(root: str) -> Iterable[str]:
    for folder in _NAMED:
        path = os.path.join(root, folder)
        if os.path.isdir(path):
            yield from (f"{folder}/{name}" for name in os.listdir(path))


def _blocks(lines: Lines, needed: set[int]) -> list[list[Any]]:
    blocks: list[list[Any]] = []
    last = -2
    for number in sorted(needed):
        if number != last + 1:
            blocks.append([number + 1, []])
        blocks[-1][1].append(lines[number])
        last = number
    return blocks


def main(argv: Sequence[str] | None = None) -> int:
    """``record TREE -o FILE``: for maintainers of this package."""
    import argparse
    import json
    import sys

    parser = argparse.ArgumentParser(prog="python -m imsgen.generator.targets")
    commands = parser.add_subparsers(required=True)
    sub = commands.add_parser("record", help="record the profile of a pristine tree")
    sub.add_argument("tree")
    sub.add_argument("-o", "--output", required=True)
    args = parser.parse_args(argv)
    try:
        text = json.dumps(record(args.tree), indent=1, sort_keys=True, ensure_ascii=False)
        with open(args.output, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except (TargetError, EditError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
