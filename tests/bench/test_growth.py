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
