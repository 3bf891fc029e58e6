"""What the package build makes ahead of ``outputs.toml``, the edit scripts and the profiles.

The scripts that prepare a kernel give the same commits whatever the device is, so for an embedded
profile the commits and the files that they leave are constants of a built package.
"""

from __future__ import annotations

import os

from imsgen.dsl import ahead
from imsgen.templates import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

OUTPUTS = "templates/series/outputs.toml"


def _module() -> ModuleType | None:
    try:
        from . import _prepared  # type: ignore[attr-defined]  # there in a built package only
    except ImportError:
        return None
    made: ModuleType = _prepared
    return made


def outputs() -> dict[str, Any] | None:
    """What outputs.toml holds; None if that has to be read."""
    made = _module()
    if made is None or not ahead.fresh(made.OUTPUTS_SOURCES):
        return None
    data: dict[str, Any] = made.OUTPUTS
    return data


def kernel(name: str) -> dict[str, Any] | None:
    """The profile ``name`` and what the scripts make of it; None if that has to be made.

    ``profile`` is the profile's data, ``commits`` are subjects, bodies and diffs, ``after`` are
    the files that the commits leave, as a profile has them.
    """
    made = _module()
    if made is None or name not in made.KERNELS:
        return None
    data: dict[str, Any] = made.KERNELS[name]
    return data if _scripts() == data["scripts"] and ahead.fresh(data["sources"]) else None


def _scripts() -> list[str]:
    return sorted(file for file in os.listdir(os.path.join(ROOT, "core")) if file != "__pycache__")


def module() -> str:
    """The text of the module: made of the sources alone, whatever was made before."""
    import json
    import tomllib

    from .scripts import load_scripts
    from .series import Planner
    from .targets import PROFILES, from_profile, profiles, sparse

    with open(os.path.join(ahead.PACKAGE, OUTPUTS), "rb") as file:
        data = tomllib.load(file)
    kernels = {}
    for name in profiles():
        with open(os.path.join(PROFILES, f"{name}.json"), encoding="utf-8") as text:
            profile = json.load(text)
        core = Planner(from_profile(profile)).core()
        files = {*profile["files"], *(diff.path for c in core.commits for diff in c.diffs)}
        paths = [f"generator/profiles/{name}.json"]
        paths += [f"templates/core/{script}" for script in _scripts()]
        paths += sorted(new.source for s in load_scripts() for new in s.new if new.source)
        kernels[name] = {
            "scripts": _scripts(),
            "sources": {path: ahead.digest(path) for path in paths},
            "profile": profile,
            "commits": [
                (c.subject, c.body, [tuple(vars(diff).values()) for diff in c.diffs])
                for c in core.commits
            ],
            "after": {path: sparse(core.provider.lines(path) or []) for path in sorted(files)},
        }
    sources = {OUTPUTS: ahead.digest(OUTPUTS)}
    return f"OUTPUTS_SOURCES = {sources!r}\nOUTPUTS = {data!r}\nKERNELS = {kernels!r}\n"
