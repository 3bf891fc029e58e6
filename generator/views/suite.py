"""What the KUnit templates see beside the device's view."""

from __future__ import annotations

from dataclasses import dataclass

from imsgen.dsl.model import Device


@dataclass(frozen=True)
class SuiteView:
    """A device's suite; nothing yet."""

    name: str


def suite_view(device: Device) -> SuiteView:
    """What a suite for ``device`` tests."""
    return SuiteView(f"{device.name}_irqs")
