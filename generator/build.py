"""The package build's own step: what a run needs, made ahead of the sources.

``build_py`` below is setuptools' command of that name (``pyproject.toml`` names it).  An editable
install has no such modules: there the sources themselves are used.
"""

from __future__ import annotations

import os
import sys

from setuptools.command.build_py import build_py as _build_py


class build_py(_build_py):
    """Copies the packages, then makes the modules beside the copies, by the copies."""

    def run(self) -> None:
        """Run the command."""
        super().run()
        if self.editable_mode:
            return
        sys.path.insert(0, os.path.abspath(self.build_lib))
        # Nothing that the build needs is to be written into what is going to be packed.
        kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            write(self.build_lib)
        finally:
            sys.path.pop(0)
            sys.dont_write_bytecode = kept


def modules() -> dict[str, str]:
    """The texts of the modules by path, relative to the packages' folder."""
    from imsgen.dsl import grammar
    from imsgen.generator import prepared, translate

    return {
        "dsl/_tables.py": grammar.tables_module(),
        "templates/_functions.py": translate.module(),
        "generator/_prepared.py": prepared.module(),
    }


def write(folder: str) -> None:
    """Write the modules for the packages in ``folder``/imsgen."""
    for path, text in modules().items():
        with open(os.path.join(folder, "imsgen", path), "w", encoding="utf-8") as file:
            file.write(text)
