"""The work of checking is in proportion to the length, for each construct; counted, not timed."""

from __future__ import annotations

import growth
import pytest


@pytest.mark.slow
@pytest.mark.parametrize("name", growth.CONSTRUCTS)
def test_work_is_in_proportion(name: str) -> None:
    growth.calls(growth.WHOLE)  # what is loaded once is not counted
    # Sorting adds a little.
    assert growth.exponent(growth.calls, name, growth.SIZE) < 1.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["comments", "layouts", "pools", "vectors"])
def test_work_of_formatting_is_in_proportion(name: str) -> None:
    growth.calls(growth.WHOLE, growth.write)

    def calls(text: str) -> int:
        return growth.calls(text, growth.write)

    assert growth.exponent(calls, name, growth.SIZE) < 1.1
