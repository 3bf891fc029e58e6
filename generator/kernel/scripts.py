"""The edit scripts of templates/core: one preparatory commit each, as data."""

from __future__ import annotations

import functools
import os
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Any

from imsgen.templates import ROOT

from .edits import EditError, Provider, Workspace

#: What a tree can lack, in words, by the value of ``needs``.
GROUPS = {
    "quiesce": "quiesce_irq()",
    "ims": "support for interrupt message stores",
    "ims_x86": "support for interrupt message stores on x86",
    "msi_lib": "support for interrupt message stores in msi-lib",
    "its": "support for interrupt message stores below a GICv3 ITS",
    "imsic": "support for interrupt message stores below a RISC-V IMSIC",
    "stores": "the library of message stores",
    "pools": "the library of vector pools",
    "sets": "sets of vectors for subdevices",
    "store_pools": "vector pools over message stores",
    "platform_pools": "vector pools over messages of platform devices",
    "platform_kunit": "the checks of platform devices for KUnit",
    "kunit_support": "the fake device for KUnit",
    "stores_kunit": "the KUnit suite of message stores",
    "pools_kunit": "the KUnit suite of vector pools",
    "sets_kunit": "the KUnit suite of sets of vectors",
    "store_pools_kunit": "the KUnit suite of pools over message stores",
}

#: Those of them which have one parent of interrupts deliver messages from such stores.
PARENT_GROUPS = frozenset({"ims_x86", "msi_lib", "its", "imsic"})

_MODES = ("before", "after", "replace")


class ScriptError(Exception):
    """A script is not well formed: a bug of this package, not of its input."""


@dataclass(frozen=True)
class Edit:
    """One anchored edit; ``skew`` limits it to trees of that skew key, ``api`` to those with it.

    ``moved``: the file has another name in kernels of other keys.
    """

    path: str
    mode: str
    anchor: tuple[str, ...]
    insert: tuple[str, ...]
    skew: str | None
    api: str | None = None
    moved: bool = False


@dataclass(frozen=True)
class NewFile:
    """One new file, which stands in templates/kernel by its path in the kernel."""

    path: str


@dataclass(frozen=True)
class Script:
    """One preparatory commit."""

    name: str
    subject: str
    body: str
    needs: str
    present: tuple[tuple[str, str], ...]
    edits: tuple[Edit, ...]
    new: tuple[NewFile, ...]
    kconfig: tuple[tuple[str, str], ...]
    makefile: tuple[tuple[str, str, str], ...]
    maintainers: tuple[tuple[str, tuple[str, ...]], ...]

    def missing(self, provider: Provider) -> list[str]:
        """The marks of this script which the tree does not have, as ``file (text)``."""
        out = []
        for path, text in self.present:
            lines = provider.lines(path) if provider.exists(path) else None
            if lines is None or not any(text in line for line in lines if line):
                out.append(f"{path} ({text})")
        return out

    def edits_for(self, skew: str, apis: Container[str] = ()) -> tuple[Edit, ...]:
        """The edits for trees of that skew key, which have ``apis``.

        Raises :class:`EditError` when a file has edits for other keys only; a file of the script's
        own may be right for a kernel as it is.
        """
        able = tuple(edit for edit in self.edits if edit.api is None or edit.api in apis)
        chosen = tuple(edit for edit in able if edit.skew in (None, skew))
        keyed = {edit.path for edit in self.edits if edit.skew is not None and not edit.moved}
        served = {edit.path for edit in chosen if edit.skew is not None}
        for path in sorted(keyed - served - {new.path for new in self.new}):
            raise EditError(f"{path}: no edit for kernels like {skew} in {self.name}")
        return chosen

    def apply(
        self, work: Workspace, skew: str, texts: dict[str, str], apis: Container[str] = ()
    ) -> None:
        """Make the edits; ``texts`` holds the text of each new file by path.

        An empty text, as the recording of a profile has it, is not edited.
        """
        for new in self.new:
            work.create(new.path, texts[new.path])
        for edit in self.edits_for(skew, apis):
            if texts.get(edit.path, "-"):
                work.edit(edit.path, edit.mode, edit.anchor, edit.insert)
        for path, text in self.kconfig:
            work.kconfig(path, text)
        for path, symbol, target in self.makefile:
            work.makefile(path, symbol, target)
        for title, entries in self.maintainers:
            work.maintainers(title, entries)


@functools.cache
def load_scripts(root: str = ROOT) -> tuple[Script, ...]:
    """All scripts under ``root``/core, ordered by file name.  Raises :class:`ScriptError`."""
    folder = os.path.join(root, "core")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".toml"))
    return tuple(_load(os.path.join(folder, name)) for name in names)


def _load(path: str) -> Script:
    import tomllib

    name = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            return parse(name, tomllib.load(file))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ScriptError(f"{name}: {error!r}") from error


def parse(name: str, data: dict[str, Any]) -> Script:
    """One script from its TOML form.  Raises KeyError, TypeError or ValueError."""
    known = "subject body needs present edit new kconfig makefile maintainers".split()
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    if data["needs"] not in GROUPS:
        raise ValueError(f"needs = {data['needs']!r} is not one of {', '.join(GROUPS)}")
    if not data["present"]:
        raise ValueError("present is empty")
    return Script(
        name=name,
        subject=data["subject"],
        body=data["body"].strip("\n"),
        needs=data["needs"],
        present=tuple((path, text) for path, text in data["present"]),
        edits=tuple(edit for entry in data.get("edit", ()) for edit in _edits(entry)),
        new=tuple(_new(entry) for entry in data.get("new", ())),
        kconfig=tuple((e["file"], e["text"]) for e in data.get("kconfig", ())),
        makefile=tuple((e["file"], e["symbol"], e["object"]) for e in data.get("makefile", ())),
        maintainers=tuple((e["title"], tuple(e["lines"])) for e in data.get("maintainers", ())),
    )


def _edits(entry: dict[str, Any]) -> list[Edit]:
    """An edit, one for each skew key when its file is given for each of them."""
    if isinstance(entry.get("file"), str):
        return [_edit(entry)]
    places = entry["file"].items()
    made = [_edit(entry | {"file": path, "kernel": skew}) for skew, path in places]
    return [replace(edit, moved=True) for edit in made]


def _edit(entry: dict[str, Any]) -> Edit:
    modes = [mode for mode in _MODES if mode in entry]
    if len(modes) != 1 or set(entry) - {"file", "insert", "kernel", "api", modes[0]}:
        raise ValueError(f"edit of {entry.get('file')}: one of {', '.join(_MODES)}, and insert")
    anchor = _whole(entry[modes[0]])
    if not anchor:
        raise ValueError(f"edit of {entry['file']}: empty anchor")
    insert = _whole(entry["insert"])
    return Edit(entry["file"], modes[0], anchor, insert, entry.get("kernel"), entry.get("api"))


def _whole(text: str) -> tuple[str, ...]:
    if text and not text.endswith("\n"):
        raise ValueError(f"not whole lines: {text!r}")
    return tuple(text.split("\n")[:-1])


def _new(entry: dict[str, Any]) -> NewFile:
    if set(entry) != {"file"}:
        raise ValueError(f"new {entry.get('file')}: nothing but file")
    return NewFile(entry["file"])
