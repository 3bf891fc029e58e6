"""The work of checking is in proportion to the length, for each construct; counted, not timed."""

from __future__ import annotations

import growth
import pytest

from imsgen.dsl import load
from imsgen.generator.commands.drgn import text_of


def grows(work: growth.Work, name: str) -> float:
    """The exponent of the calls of some work; what is loaded once is not counted."""
    growth.calls(growth.WHOLE, work)
    return growth.exponent(lambda text: growth.calls(text, work), name, growth.SIZE)


@pytest.mark.slow
@pytest.mark.parametrize("name", growth.CONSTRUCTS)
def test_work_is_in_proportion(name: str) -> None:
    growth.calls(growth.WHOLE)  # what is loaded once is not counted
    # Sorting adds a little.
    assert growth.exponent(growth.calls, name, growth.SIZE) < 1.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["comments", "layouts", "pools", "vectors"])
def test_work_of_formatting_is_in_proportion(name: str) -> None:
    assert grows(growth.write, name) < 1.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["registers of the driver", "vectors"])
def test_work_of_a_script_is_in_proportion(name: str) -> None:
    def script(text: str) -> object:
        return text_of(load("growth.ims", text.encode()).devices[0])

    assert grows(script, name) < 1.1
