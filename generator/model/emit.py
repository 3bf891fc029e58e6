"""Write the model of a device: its own file, and the run-time beside it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from imsgen.dsl.model import Device

from ..render import Renderer
from ..series import gen
from ..views.model import model_view

#: Modules of the run-time, and what they are called beside a model.
RUNTIME = {"ims_runtime": "runtime", "ims_uml": "uml"}


def text_of(device: Device) -> str:
    """The device's own file.  Raises :class:`RenderError`."""
    context = {"view": model_view(device), "gen": gen(device)}
    return Renderer().render("model/device.py.j2", context)


def runtime_texts() -> dict[str, str]:
    """The run-time: texts by file names."""
    here = Path(__file__).parent
    return {f"{name}.py": (here / f"{own}.py").read_text("utf-8") for name, own in RUNTIME.items()}


def model_module(name: str, text: str, path: str) -> ModuleType:
    """A model as a module, on this package's own run-time; ``path`` is what tracebacks say.

    Runs the text: it is the user's program.
    """
    for alias, own in RUNTIME.items():
        sys.modules[alias] = import_module(f"{__package__}.{own}")
    module = ModuleType(name)
    module.__file__ = path
    exec(compile(text, path, "exec"), module.__dict__)
    return module
