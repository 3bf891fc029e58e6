"""What a kernel tree can do: the only home of differences between kernels.

A :class:`Target` is made from a tree, whose headers are read (its version number isn't), or from
an embedded profile, which holds the lines that our edits need and nothing else.

``python -m imsgen.generator.kernel.target record TREE -o FILE`` records a profile, and beside it
the names of the tree that look like those which are made for drivers.
"""

from __future__ import annotations

import errno
import functools
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from imsgen.dsl import bounded
from imsgen.dsl.rules.words import RECORDED

from ..names import IRQCHIP
from ..patches import Commit
from .edits import OURS, EditError, Lines, Provider, Workspace
from .scripts import GROUPS, PARENT_GROUPS, Script, load_scripts

#: Folder of the embedded profiles.
PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "profiles")

#: The reference kernel.
DEFAULT = "linux-6.12"

#: Bytes of a file of a tree at most, and of all that are looked through for names.
MAX_BYTES, MAX_TOTAL = 16 << 20, 512 << 20
#: All of a kernel's C, which is read when a profile is recorded.
_SOURCES = 4 << 30

#: Raised whenever the profiles' form changes.
_FORMAT = 1

#: What kernels have or demand, and where that is seen.  Stable kernels of 6.12 have got the
#: allocation macros, but not the demand, so it is read where a kernel demands it.
APIS = {
    "kzalloc_obj": ("scripts/checkpatch.pl", r"kzalloc_obj"),
    "msi_addr_mask": ("include/linux/pci.h", r"\bmsi_addr_mask\b"),
    "parent_masks": ("drivers/irqchip/irq-msi-lib.c", r"\birq_mask\s*= irq_chip_mask_parent\b"),
    "quoted_namespace": (
        "include/linux/export.h",
        r"EXPORT_SYMBOL_NS_GPL\(sym, ns\)\s+__EXPORT_SYMBOL\(sym, \"GPL\", ns\)",
    ),
}

#: How the library's C is written for kernels which have an API: pattern and replacement.
SPELLINGS = {
    "kzalloc_obj": ((r"\bkzalloc\(sizeof\(\*(\w+)\), GFP_KERNEL\)", r"kzalloc_obj(*\1)"),),
    # The PCI core sets it when it finds a device; the fake device is not found.
    "msi_addr_mask": (
        (r"(?m)^(\tpdev->current_state = PCI_D0;)$", r"\1\n\tpdev->msi_addr_mask = U64_MAX;"),
    ),
    "quoted_namespace": (
        (r"(?m)^EXPORT_SYMBOL_NS_GPL\((\w+), (\w+)\);$", r'EXPORT_SYMBOL_NS_GPL(\1, "\2");'),
        (r"(?m)^MODULE_IMPORT_NS\((\w+)\);$", r'MODULE_IMPORT_NS("\1");'),
    ),
}

#: Files whose names a profile holds, because names made for a device must not meet them.
_NAMED = (IRQCHIP, f"{IRQCHIP}/tests", "include/linux/irqchip")

#: What every kernel tree with MSI has; the first is what a wrong folder lacks.
_TREE = ("Kbuild", "MAINTAINERS", "Makefile", "include/linux/msi.h", "include/linux/pci.h")


class TargetError(Exception):
    """There is no such kernel, or nothing can be made for it."""


@dataclass(frozen=True)
class Features:
    """What a tree has before any patch of ours.

    ``native``: the IMS functions of 6.2 to 6.9.  ``groups``: the groups of scripts, by the names
    of :data:`imsgen.generator.scripts.GROUPS`, for which nothing has to be done.
    """

    native: bool = False
    groups: frozenset[str] = frozenset()


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
    #: The folder of the tree, if it is one.
    tree: str | None = None
    #: Those of :data:`APIS` that the kernel wants.
    apis: frozenset[str] = frozenset()

    @property
    def native(self) -> bool:
        """Whether the tree has the IMS functions of 6.2 to 6.9."""
        return self.features.native

    def spelled(self, text: str) -> str:
        """A file of the library as this kernel wants it written."""
        for api in sorted(self.apis):
            for pattern, replacement in SPELLINGS.get(api, ()):
                text = re.sub(pattern, replacement, text)
        return text

    def needs(self, script: Script, wanted: frozenset[str]) -> bool:
        """Whether the script belongs into a series which wants these groups for this kernel."""
        return script.needs in wanted - self.features.groups


class Files(Provider):
    """A kernel's files, and what is known of names in it."""

    def symbols(self) -> frozenset[str]:
        """Kconfig symbols which look as if they were ours."""
        raise NotImplementedError

    def exports(self, near: str) -> dict[str, str]:
        """Exported symbols and where they are, of files around the folder ``near``."""
        raise NotImplementedError

    def taken(self, device: str, names: Collection[str]) -> dict[str, str]:
        """Those of ``names`` that are functions, macros or types, and where, as far as known.

        All of them begin with the name of ``device``.
        """
        raise NotImplementedError

    def macros(self) -> frozenset[str]:
        """Words that are something else to the preprocessor wherever they stand."""
        raise NotImplementedError


# --- trees ------------------------------------------------------------------------------------


class TreeFiles(Files):
    """The files of a tree on disk."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._real = os.path.realpath(root)
        self._kconfigs: frozenset[str] | None = None
        self._exports: dict[str, dict[str, str]] = {}
        self._macros: frozenset[str] | None = None
        #: What :meth:`taken` looks at for every device: None until a second one asks.
        self._headers: list[tuple[str, bytes]] | None = None
        self._asked = False

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
            for _, data in self.contents("", _is_kconfig):
                found |= _symbols(data.decode("utf-8", "replace"))
            self._kconfigs = frozenset(found)
        return self._kconfigs

    def exports(self, near: str) -> dict[str, str]:
        if near in self._exports:
            return self._exports[near]
        out = self._exports[near] = {}
        for top in sorted(
            {near, IRQCHIP, "drivers/base", "drivers/iommu", "drivers/pci", "kernel/irq"}
        ):
            for path, data in self.contents(top, _is_c):
                for symbol in exported(data.decode("utf-8", "replace")):
                    out.setdefault(symbol, path)
        return out

    def taken(self, device: str, names: Collection[str]) -> dict[str, str]:
        starts = (f"{device}_".encode(), f"{device}_".upper().encode())
        known = b"|".join(sorted(name.encode() for name in names))
        uses = re.compile(_USE % (known, known, known), re.M)
        words = (device, device.replace("_", "-"))

        def is_like(path: str) -> bool:
            """Whether it looks like one of the device."""
            return path.endswith((".c", ".h")) and any(word in path for word in words)

        def is_near(path: str) -> bool:
            return _is_header(path) or is_like(path)

        if self._asked and self._headers is None:
            self._headers = list(self.contents("", _is_header, _NO_CODE))
        self._asked = True
        if self._headers is None:
            near = self.contents("", is_near, _NO_CODE)
        else:
            likes = self.contents("", lambda path: is_like(path) and not _is_header(path), _NO_CODE)
            near = chain(self._headers, likes)
        out: dict[str, str] = {}
        for path, data in near:
            if any(start in data for start in starts):
                for found in uses.finditer(data):
                    out.setdefault((found[1] or found[2] or found[3]).decode(), path)
        return out

    def macros(self) -> frozenset[str]:
        if self._macros is None:
            self._macros = frozenset(
                found[1].decode()
                for top in _COMMON
                for _, data in self.contents(top, lambda path: path.endswith(".h"))
                for found in _MACRO.finditer(data)
                if found[1] != found[2]
            )
        return self._macros

    def contents(
        self,
        top: str,
        wanted: Callable[[str], bool],
        without: Collection[str] = (),
        limit: int = MAX_TOTAL,
    ) -> Iterator[tuple[str, bytes]]:
        """All files below a folder whose path is wanted, but for those that can't be read.

        Folders with a dot first are left out, and those of the tree ``without``.  Raises
        :class:`EditError` if the files are too much to be a kernel's.
        """
        left = limit
        for path in self._below(top, without):
            if not wanted(path):
                continue
            try:
                data = self._read(path)
            except OSError:
                continue
            left -= len(data)
            if left < 0:
                raise EditError(f"{top or self.root}: the files have more than {limit:,} bytes")
            yield path, data

    def _read(self, path: str) -> bytes:
        """A file of the tree; one that a link leads to must be in the tree, too."""
        real = os.path.realpath(os.path.join(self.root, path))
        if os.path.commonpath((real, self._real)) != self._real:
            raise OSError(errno.ELOOP, "a link that leads out of the tree", path)
        return bounded.read_all(real, MAX_BYTES)

    def _below(self, top: str, without: Collection[str]) -> Iterator[str]:
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
            paths = [os.path.join(folder, name) for name in folders if not name.startswith(".")]
            waiting += reversed([path for path in paths if path not in without])


def _is_header(path: str) -> bool:
    """Whether any driver may include it."""
    return path.endswith(".h") and "include" in path.split(os.sep)[:3]


#: Headers that drivers include, whether they know it or not.
_COMMON = (
    "include/linux",
    "include/asm-generic",
    *(f"arch/{arch}/include/asm" for arch in ("x86", "arm64", "riscv")),
)

#: A macro without parameters that could be the name of a member, and what it becomes.
_MACRO = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+([a-z_][a-z0-9_]*)[ \t]+(\S+)", re.M)

#: How a name is used: as a function or a macro, or where it becomes a macro or a type.
_USE = (
    rb"\b(%s)[ \t]*\(|^[ \t]*#[ \t]*define[ \t]+(%s)\b" rb"|\b(?:struct|union|enum)[ \t]+(%s)\s*\{"
)

#: Folders of a tree that have nothing a driver includes.
_NO_CODE = ("Documentation", "samples", "scripts", "tools")

_EXPORT = re.compile(r"(?:_NS)?(?:_GPL)?\((\w+)")
# Compiled when it is first used, which a run without a tree never does.
_CONFIG = r"(?m)^[ \t]*(?:menu)?config[ \t]+(\w+)[ \t]*$"


def _is_kconfig(path: str) -> bool:
    return os.path.basename(path).startswith("Kconfig")


def _is_c(path: str) -> bool:
    return path.endswith(".c")


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
    native = re.search(r"\bpci_ims_alloc_irq\(", pci) is not None
    skew = skew_of(msi)
    groups = {need for need in GROUPS if _applied(files, root, need, scripts)}
    groups |= _without_parent(files, skew, scripts)
    return Target(
        name=_version(files.text("Makefile"), root),
        skew=skew,
        features=Features(
            native, frozenset(groups | {"ims", *PARENT_GROUPS} if native else groups)
        ),
        provider=files,
        tree=root,
        apis=frozenset(
            name
            for name, (path, mark) in APIS.items()
            if files.exists(path) and re.search(mark, files.text(path))
        ),
    )


def _without_parent(files: TreeFiles, skew: str, scripts: Sequence[Script]) -> set[str]:
    """Groups for parents which the tree does not have: older kernels, cut trees."""
    return {
        script.needs
        for script in scripts
        if script.needs in PARENT_GROUPS
        and not all(files.exists(edit.path) for edit in script.edits_for(skew))
    }


def skew_of(msi: str) -> str:
    """The skew key of a kernel with that include/linux/msi.h."""
    return "7" if re.search(r"\(\*msi_teardown\)", msi) else "6.12"


def _applied(files: Files, root: str, need: str, scripts: Sequence[Script]) -> bool:
    """Whether all scripts of a group are in the tree (true) or none of them (false).

    The marks are what generated code uses, so that a tree with another version of it is refused.
    """
    missing: list[str] = []
    marks = 0
    for script in scripts:
        if script.needs == need:
            marks += len(script.present)
            missing += script.missing(files)
    if marks and 0 < len(missing) < marks:
        raise TargetError(
            f"{root}: a part of {GROUPS[need]} is there, or another version of it. It lacks: "
            f"{', '.join(missing)}. Apply the rest of the patches, or take the old ones out."
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
        self._kernel: str = data.get("name", "")

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

    def taken(self, device: str, names: Collection[str]) -> dict[str, str]:
        return {name: "" for name in names if name in self._names}

    def macros(self) -> frozenset[str]:
        return self._macros

    @functools.cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(_recorded(self._kernel))

    @functools.cached_property
    def _macros(self) -> frozenset[str]:
        return frozenset(name[1:] for name in self._names if name[0] == _MACRO_MARK)

    def _elsewhere(self, path: str) -> bool:
        return os.path.dirname(path) not in _NAMED


#: What a macro's name has in front of it where a profile's names are.
_MACRO_MARK = "#"


def _recorded(kernel: str) -> list[str]:
    """The names that were recorded with the profile of a kernel; none for one of a test."""
    import gzip

    path = os.path.join(PROFILES, f"{kernel}.names.gz")
    if not os.path.exists(path):
        return []
    with gzip.open(path, "rt", encoding="ascii") as file:
        return file.read().split()


def record_names(root: str) -> bytes:
    """What a tree has of names that look like those made for drivers: sorted, compressed."""
    import gzip

    suffixes = "|".join(sorted(RECORDED, key=len, reverse=True)).encode()
    ends = re.compile(rb"_(?:%s)\b" % suffixes)
    form = re.compile(rb"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
    use = re.compile(rb"[ \t]*\(")
    found: set[bytes] = set()
    sources = TreeFiles(root).contents("", lambda p: p.endswith((".c", ".h")), _NO_CODE, _SOURCES)
    for _, data in sources:
        for end in ends.finditer(data):
            start = end.start()
            while start and (data[start - 1 : start].isalnum() or data[start - 1] == 0x5F):
                start -= 1
            word = data[start : end.end()]
            before = data[data.rfind(b"\n", 0, start) + 1 : start].split()
            macro = before[-1:] in ([b"define"], [b"#define"])
            if form.fullmatch(word) and (macro or use.match(data, end.end())):
                found.add(word)
    # A device's name and a pool's, and what follows them.
    kept = sorted(word for word in found if word.count(b"_") >= 2)
    kept += sorted(f"{_MACRO_MARK}{word}".encode() for word in TreeFiles(root).macros())
    return gzip.compress(b"\n".join(kept) + b"\n", 9, mtime=0)


def profiles() -> tuple[str, ...]:
    """Names of the embedded profiles."""
    return tuple(
        sorted(n.removesuffix(".json") for n in os.listdir(PROFILES) if n.endswith(".json"))
    )


def embedded(name: str) -> Target:
    """The embedded profile of that name.  Raises :class:`TargetError`."""
    if name not in profiles():
        raise TargetError(f"no kernel {name}: there is {', '.join(profiles())}")
    import json

    with open(os.path.join(PROFILES, f"{name}.json"), encoding="utf-8") as file:
        return from_profile(json.load(file))


def from_profile(data: dict[str, Any]) -> Target:
    """The target that a profile describes.  Raises :class:`TargetError`."""
    if data.get("format") != _FORMAT:
        raise TargetError(f"a kernel profile of another format: {data.get('format')!r}")
    return Target(data["name"], data["skew"], Features(), ProfileFiles(data))


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
        script.apply(work, target.skew, {new.path: "" for new in script.new}, target.apis)
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

    parser = argparse.ArgumentParser(prog="python -m imsgen.generator.kernel.target")
    commands = parser.add_subparsers(required=True)
    sub = commands.add_parser("record", help="record the profile of a pristine tree")
    sub.add_argument("tree")
    sub.add_argument("-o", "--output", required=True)
    args = parser.parse_args(argv)
    try:
        text = json.dumps(record(args.tree), indent=1, sort_keys=True, ensure_ascii=False)
        with open(args.output, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        with open(args.output.removesuffix(".json") + ".names.gz", "wb") as names:
            names.write(record_names(args.tree))
    except (TargetError, EditError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
