"""Devices and a target to an ordered series of commits, and the commits to files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from imsgen.dsl.codes import report
from imsgen.dsl.diagnostics import Diagnostic, quote
from imsgen.dsl.kinds import row_of
from imsgen.dsl.model import (
    Device,
    SlotLayout,
    Store,
)
from imsgen.dsl.rules.words import public
from imsgen.dsl.source import Span
from imsgen.templates import ROOT

from . import __version__, patches
from .kernel.edits import EditError, Provider, Workspace
from .kernel.scripts import load_scripts
from .kernel.target import Core, Target, exported
from .names import Names, names_of
from .patches import Commit
from .render import Renderer, RenderError, check_text, summary
from .views.device import DeviceView, device_view
from .views.suite import SuiteView, suite_view
from .views.words import Words, words


class SeriesError(Exception):
    """No series can be made of a device for a kernel; the text says why."""


class NamesTaken(SeriesError):
    """The kernel has functions, macros or types of a device's names already."""

    def __init__(self, findings: Sequence[Diagnostic]) -> None:
        super().__init__(findings[0].message)
        self.findings = tuple(findings)


#: A device's name, its stores', vectors', pools' (with stores) and subdevices' (with pools).
_Uses = list[tuple[str, list[str]]]
Parts = tuple[str, _Uses, list[str], _Uses, _Uses]


@dataclass(frozen=True)
class Series:
    """What is made of one or several devices for one kernel."""

    commits: tuple[Commit, ...]
    #: How many of the commits prepare the kernel.
    core: int
    #: Texts of the devices' new files by path in the kernel tree.
    files: dict[str, str]
    #: Subject and body of the cover letter; empty for several devices.
    cover: tuple[str, str]
    #: The kernel's files behind it.
    after: Provider = field(repr=False, compare=False)


@dataclass(frozen=True)
class _Output:
    """An entry of series/outputs.toml."""

    name: str
    message: str
    new: tuple[dict[str, str], ...]
    kconfig: tuple[dict[str, str], ...]
    makefile: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Gen:
    """The run: version, source, command, and the marker's lines."""

    version: str
    source: str
    command: str
    marker: tuple[str, ...]


class Context(TypedDict):
    """What every template of a device sees."""

    dev: DeviceView
    suite: SuiteView
    names: Names
    gen: Gen
    about: Words


class Planner:
    """Makes series; templates, scripts and the kernel's files are read once."""

    def __init__(self, target: Target, root: str = ROOT) -> None:
        self.target = target
        self._root = root
        self._renderer = Renderer(root)
        self._outputs = _load_outputs(root)
        self._cores: dict[frozenset[str], Core] = {}

    def series(self, devices: Sequence[Device], more: frozenset[str] = frozenset()) -> Series:
        """The series for ``devices`` together: what the kernel lacks first, and once.

        ``more`` are groups of preparatory scripts beyond those that the devices need.

        Every edit is made on the target's files, so that what is returned applies.  Raises
        :class:`SeriesError`, :class:`imsgen.generator.render.RenderError` or
        :class:`imsgen.generator.patches.PatchError`.
        """
        try:
            prepared = self.core(more.union(*map(groups_of, devices)))
            commits = list(prepared.commits)
            core = len(commits)
            work = Workspace(prepared.provider)
            files: dict[str, str] = {}
            cover = ("", "")
            for device in devices:
                context = self._context(device, core)
                commits += self._device(work, device, context, files)
                cover = self._message("series/cover.j2", context)
        except EditError as error:
            raise SeriesError(f"{self.target.name}: {error}") from error
        if len(devices) != 1:
            cover = ("", "")
        for commit in commits[core:]:
            patches.check_message(commit)
        return Series(tuple(commits), core, files, cover, work)

    def files(self, device: Device) -> dict[str, str]:
        """Texts of a device's new files by path, wherever that is: no file of the kernel is edited.

        Raises :class:`SeriesError` or :class:`imsgen.generator.render.RenderError`.
        """
        names = names_of(device)
        self._check_free(device, names)
        self._check_names(device)
        try:
            context = self._context(device, 0)
        except EditError as error:
            raise SeriesError(f"{self.target.name}: {error}") from error
        new = [entry for output in self._outputs for entry in output.new]
        return {path: text for entry in new for path, text in self._texts(entry, context, names)}

    def message(self, template: str, device: Device, more: Mapping[str, object]) -> tuple[str, str]:
        """Subject and body of a commit message about a device."""
        return self._message(template, {**self._context(device, 0), **more})

    # --- core ---------------------------------------------------------------------------------

    def core(self, wanted: frozenset[str]) -> Core:
        """The commits that prepare the kernel for devices which want these groups.

        Raises :class:`EditError` or :class:`imsgen.generator.render.RenderError`.
        """
        if wanted not in self._cores:
            work = Workspace(self.target.provider)
            commits = []
            for script in load_scripts(self._root):
                if self.target.needs(script, wanted):
                    texts = {new.path: self._library(new.path) for new in script.new}
                    script.apply(work, self.target.skew, texts, self.target.apis)
                    commits.append(Commit(script.subject, script.body, work.commit()))
            self._cores[wanted] = Core(tuple(commits), work)
        return self._cores[wanted]

    def _library(self, path: str) -> str:
        """A file of the library, by its path in the kernel."""
        try:
            with open(os.path.join(self._root, "kernel", path), encoding="utf-8") as file:
                text = self.target.spelled(file.read())
        except OSError as error:
            raise RenderError(f"kernel/{path}: {error.strerror}") from error
        problems = check_text(text)
        if problems:
            raise RenderError(f"kernel/{path}: {summary(problems)}")
        return text

    # --- devices ------------------------------------------------------------------------------

    def _context(self, device: Device, core: int) -> Context:
        names = names_of(device)
        namespace = self.target.namespace(names.makefile)
        return {
            "dev": device_view(device),
            "suite": suite_view(device, namespace, self.target.symbols_above(names.dir)),
            "names": names,
            "gen": gen(device),
            "about": words(device, self.target.name, core),
        }

    def _device(
        self, work: Workspace, device: Device, context: Context, files: dict[str, str]
    ) -> list[Commit]:
        names = names_of(device)
        self._check_free(device, names)
        self._check_names(device)
        if self.target.tree is not None:
            work.folder(names.dir)
        commits = []
        listed: list[str] = []
        for output in self._outputs:
            for entry in output.new:
                for path, text in self._texts(entry, context, names):
                    work.create(path, text)
                    files[path] = text
                    listed.append(path)
                    self._check_exports(device, names, text)
            for entry in output.kconfig:
                block = self._renderer.render(entry["template"], context)
                work.kconfig(getattr(names, entry["file"]), block)
            for entry in output.makefile:
                work.makefile(
                    getattr(names, entry["file"]),
                    getattr(names, entry["symbol"]),
                    getattr(names, entry["object"]),
                )
            self._maintainers(work, names, context, listed)
            subject, body = self._message(output.message, context)
            commits.append(Commit(subject, body, work.commit()))
        return commits

    def _texts(
        self, entry: dict[str, str], context: Context, names: Names
    ) -> list[tuple[str, str]]:
        marker = context["gen"].marker[0]
        template = entry["template"]
        if "each" not in entry:
            path = getattr(names, entry["path"])
            return [(path, self._renderer.file(template, path, context, marker))]
        out = []
        for item in getattr(context["dev"], entry["each"]):
            path = getattr(item, entry["path"])
            inner = {**context, entry["as"]: item}
            out.append((path, self._renderer.file(template, path, inner, marker)))
        return out

    def _maintainers(
        self, work: Workspace, names: Names, context: Context, listed: list[str]
    ) -> None:
        if not context["about"].maintainers:
            return
        inner = {**context, "files": sorted(listed)}
        text = self._renderer.render("series/maintainers.j2", inner)
        work.maintainers(names.maintainers_title, text.splitlines())

    def _message(self, template: str, context: Mapping[str, object]) -> tuple[str, str]:
        subject, _, body = self._renderer.render(template, context).partition("\n")
        return subject, body.strip("\n")

    def _check_free(self, device: Device, names: Names) -> None:
        """No file and no Kconfig symbol of the device is in the kernel already."""
        provider = self.target.provider
        parent = os.path.dirname(names.dir) or names.dir
        if self.target.tree is not None:
            for path in (names.kconfig, names.makefile):
                above = f"{parent}/{os.path.basename(path)}"
                if not (provider.exists(path) or provider.exists(above)):
                    raise SeriesError(
                        f"{_place(device)}: {self.target.name} has neither {path} nor {above}: "
                        "name a folder of the kernel, or a new one in such a folder"
                    )
        paths = [names.glue, names.header, names.kunit, names.kunitconfig]
        for path in paths + [store.path for store in names.headers]:
            if provider.exists(path):
                raise SeriesError(
                    f"{_place(device)}: {self.target.name} has {path} already: device "
                    f"{device.name} is in there, or something else of that name"
                )
        for symbol in (names.symbol, names.kunit_symbol):
            if symbol in provider.symbols():
                raise SeriesError(
                    f"{_place(device)}: {self.target.name} has a config {symbol} already"
                )

    def _check_names(self, device: Device) -> None:
        """Nothing that a driver would see of the device has a name of the kernel."""
        made = [(name.rpartition(" ")[2], root) for name, root in public(*parts_of(device))]
        roots = dict(reversed(made))
        taken = self.target.provider.taken(device.name, roots)
        first = {roots[name]: name for name in sorted(taken, reverse=True)}
        macros = self.target.provider.macros()
        findings = [
            report(
                "IMS023",
                f"{quote(name)} is a macro of {self.target.name}",
                span,
                hint="choose another name",
            )
            for name, span in members_of(device)
            if name in macros
        ]
        for root, name in sorted(first.items(), key=lambda pair: place_of(device, pair[0]).start):
            where = f", in {taken[name]}" if taken[name] else ""
            findings.append(
                report(
                    "IMS023",
                    f"{quote(root)} makes `{name}`, which {self.target.name} has already{where}",
                    place_of(device, root),
                    hint="choose another name",
                )
            )
        if findings:
            raise NamesTaken(findings)

    def _check_exports(self, device: Device, names: Names, text: str) -> None:
        mine = exported(text)
        if not mine:
            return
        theirs = self.target.provider.exports(names.dir)
        for symbol in mine:
            if symbol in theirs:
                raise SeriesError(
                    f"{_place(device)}: {self.target.name} exports {symbol} already, "
                    f"in {theirs[symbol]}"
                )


def parts_of(device: Device) -> Parts:
    """The names of a device, of which all others are made."""
    return (
        device.name,
        [(store.name, _driven(store)) for store in device.stores],
        [vector.name for vector in device.all_vectors],
        [(pool.name, [r.store for r in pool.ranges]) for pool in device.pools],
        [(sub.name, [m.pool for m in sub.members]) for sub in device.subdevices],
    )


def _driven(store: Store) -> list[str]:
    """The names of what the driver sets in the slots of a store."""
    layout = getattr(store, "layout", None)
    if not isinstance(layout, SlotLayout):
        return []
    fields = layout.control.driven if layout.control else ()
    return [*(item.name for item in fields), *(item.name for item in layout.registers)]


def members_of(device: Device) -> list[tuple[str, Span]]:
    """The names of a device which become members and parameters as they are."""
    named = [*device.stores, *device.all_vectors, *device.pools, *device.subdevices]
    names = [(one.name, place_of(device, one.name)) for one in named]
    cookies = (cookie for store in device.stores for cookie in row_of(store).cookies(store))
    return names + [(cookie.name, cookie.span) for cookie in cookies]


def place_of(device: Device, name: str) -> Span:
    """Where a name of a device is given."""
    named = [*device.stores, *device.all_vectors, *device.pools, *device.subdevices]
    span = next((item.span for item in named if item.name == name), device.span)
    start = span.source.text.find(name, span.start)
    return span if start < 0 else Span(span.source, start, start + len(name))


#: What the parents of message stores on an architecture need, by the groups of scripts.
PARENTS = {
    "x86": ("ims_x86",),
    "x86_64": ("ims_x86",),
    "arm64": ("msi_lib", "its"),
    "riscv": ("msi_lib", "imsic"),
}


def groups_of(device: Device) -> frozenset[str]:
    """The groups of preparatory scripts that the series of a device begins with."""
    stores = {store.name for store in device.stores if row_of(store).is_ims}
    pools = [pool for pool in device.pools if not pool.managed]
    wanted = {"kunit_support"}
    if stores:
        wanted |= {"quiesce", "ims", "stores", "stores_kunit"}
        for name in device.architectures or PARENTS:
            wanted.update(PARENTS.get(name, ()))
    if pools:
        wanted |= {"quiesce", "pools", "pools_kunit"}
    if device.subdevices:
        wanted |= {"sets", "sets_kunit"}
    if device.is_platform:
        wanted |= {"platform_kunit", *({"platform_pools"} if pools else ())}
    if any(r.store in stores for pool in pools for r in pool.ranges):
        wanted |= {"store_pools", "store_pools_kunit"}
    return frozenset(wanted)


def gen(device: Device) -> Gen:
    """What templates know of the run."""
    source = source_name(device)
    command = f"imsgen {source}"
    return Gen(
        version=__version__,
        source=source,
        command=command,
        marker=(
            f"Generated by imsgen {__version__} from {source}: change that file, not this one.",
            f"Make again: {command}",
        ),
    )


def source_name(device: Device) -> str:
    """Base name of the file that the device came from."""
    return os.path.basename(device.file or device.span.source.name)


# --- files ------------------------------------------------------------------------------------


def series_files(series: Series, signoff: str | None = None) -> dict[str, str]:
    """File names and texts of a one-device series: the patches and the cover letter."""
    subject, body = series.cover
    commits = series.commits
    out = {
        "0000-cover-letter.patch": patches.cover_letter(
            subject, body, commits, __version__, signoff
        )
    }
    for number, commit in enumerate(commits, 1):
        name = patches.file_name(commit.subject, number)
        out[name] = patches.patch(commit, number, len(commits), __version__, signoff)
    return out


def source_files(
    series: Series, device: Device, target: Target, digest: str, signoff: str | None = None
) -> dict[str, str]:
    """The series under ``series/``, the new files under ``src/``, and ``manifest.json``.

    ``digest`` is the SHA-256 of the input file, in hexadecimal.
    """
    import json

    mails = series_files(series, signoff)
    out = {f"series/{name}": text for name, text in mails.items()}
    out.update({f"src/{path}": text for path, text in series.files.items()})
    manifest = {
        "format": 1,
        "tool": f"imsgen {__version__}",
        "command": gen(device).command,
        "source": {"name": source_name(device), "sha256": digest},
        "device": device.name,
        "kernel": target.name,
        "files": {path: sha256(text) for path, text in sorted(out.items())},
    }
    out["manifest.json"] = json.dumps(manifest, indent=1) + "\n"
    return out


def sha256(text: str | bytes) -> str:
    """The SHA-256 of a text (as UTF-8) or of bytes, in hexadecimal."""
    import hashlib

    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()


# --- inside -----------------------------------------------------------------------------------


def _place(device: Device) -> str:
    return f"{device.span.source.name}:{device.span.line}"


def _load_outputs(root: str) -> tuple[_Output, ...]:
    import tomllib

    with open(os.path.join(root, "series", "outputs.toml"), "rb") as file:
        data = tomllib.load(file)
    return tuple(
        _Output(
            entry["name"],
            entry["message"],
            tuple(entry.get("new", ())),
            tuple(entry.get("kconfig", ())),
            tuple(entry.get("makefile", ())),
        )
        for entry in data["commit"]
    )
