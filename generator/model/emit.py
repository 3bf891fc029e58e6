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

#: Modules of the run-time.  Beside a model their names begin with ``ims_``.
RUNTIME = ("runtime", "carrier", "uml", "qemu")


def text_of(device: Device) -> str:
    """The device's own file.  Raises :class:`RenderError`."""
    context = {"view": model_view(device), "gen": gen(device)}
    return Renderer().render("model/device.py.j2", context)


def runtime_texts() -> dict[str, str]:
    """The run-time: texts by file names."""
    here = Path(__file__).parent
    out = {}
    for name in RUNTIME:
        text = (here / f"{name}.py").read_text("utf-8")
        text = text.replace("from . import carrier", "import ims_carrier as carrier")
        out[f"ims_{name}.py"] = text.replace("from .", "from ims_")
    return out


def model_module(name: str, text: str, path: str) -> ModuleType:
    """A model as a module, on this package's own run-time; ``path`` is what tracebacks say.

    Runs the text: it is the user's program.
    """
    for part in RUNTIME:
        sys.modules[f"ims_{part}"] = import_module(f"{__package__}.{part}")
    module = ModuleType(name)
    module.__file__ = path
    exec(compile(text, path, "exec"), module.__dict__)
    return module
