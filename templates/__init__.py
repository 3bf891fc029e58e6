"""Templates and edit scripts, as package data."""

import os

#: The folder that holds them.
ROOT = os.path.dirname(os.path.abspath(__file__))
