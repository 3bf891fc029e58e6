"""Build a kernel out of tree: configure, check the configuration, compile."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import host, kconfig
from .arch import ARCHS

BUILD_LIMIT = 3000.0
"""Seconds a cold build may take."""


@dataclass(frozen=True)
class Build:
    """One configuration of one source tree, in one object directory."""

    source: Path
    objects: Path
    arch: str
    wanted: Mapping[str, str] = field(default_factory=dict)
    logs: Path = Path("build/logs")
    label: str = "build"

    @property
    def image(self) -> Path:
        """The kernel that can be booted."""
        return self.objects / ARCHS[self.arch].image

    def make(self, *words: str) -> list[str | Path]:
        """The make command line for this configuration."""
        jobs = f"-j{os.cpu_count() or 1}"
        which = [f"ARCH={self.arch}"]
        if cross := ARCHS[self.arch].cross:
            which.append(f"CROSS_COMPILE={cross}")
        return ["make", "-C", self.source, f"O={self.objects}", *which, jobs, *words]


def environment() -> dict[str, str]:
    """Makes the same kernel from the same source at any time, on any machine."""
    return host.plain_env(
        KBUILD_BUILD_TIMESTAMP="2000-01-01", KBUILD_BUILD_USER="imsgen", KBUILD_BUILD_HOST="imsgen"
    )


def write_if_changed(path: Path, text: str) -> bool:
    """Write TEXT unless the file holds it already. Returns whether it was written."""
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    return True


def configure(build: Build, *, partial: bool = False) -> None:
    """Make .config from the wanted symbols on top of allnoconfig.

    Raises `StageError` with the names of all symbols that don't come out as wanted; PARTIAL leaves
    that check out, for trees in which some symbols don't exist yet.
    """
    build.objects.mkdir(parents=True, exist_ok=True)
    fragment = build.objects / "imsgen.config"
    write_if_changed(fragment, kconfig.as_text(dict(build.wanted)))
    command = build.make(f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig")
    log = build.logs / f"{build.label}-config.log"
    code = host.follow(f"{build.label} config", command, log, env=environment(), limit=300)
    if code:
        raise host.StageError(f"{build.label}: no configuration\n{host.tail(log.read_text())}")
    if partial:
        return
    got = kconfig.assignments((build.objects / ".config").read_text())
    unmet = kconfig.unmet(dict(build.wanted), got)
    if unmet:
        names = "\n    ".join(unmet)
        raise host.StageError(f"{build.label}: the configuration lacks what it needs\n    {names}")


def compile_targets(build: Build, targets: Sequence[str], name: str, *options: str) -> str:
    """Make TARGETS; returns what make printed. Raises `StageError` when make fails."""
    return host.must_follow(
        f"{build.label} {name}",
        build.make(*options, *targets),
        build.logs / f"{build.label}-{name}.log",
        env=environment(),
        limit=BUILD_LIMIT,
    )


def kernel(build: Build) -> Path:
    """Configure and build; gives the image. Raises `StageError`."""
    configure(build)
    compile_targets(build, [ARCHS[build.arch].target], "kernel")
    if not build.image.is_file():
        raise host.StageError(f"{build.label}: make ended well, but there is no {build.image.name}")
    return build.image
