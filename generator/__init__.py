"""From a resolved device to a patch series on disk."""

__version__ = "0.1.0"
