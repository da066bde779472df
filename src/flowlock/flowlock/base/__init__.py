"""The embedded base channel: an interpreter and wheels as conda packages."""

from flowlock.base.channel import BaseResult, folder, make
from flowlock.base.convert import requirement_from_match_spec, wheel_name_table
from flowlock.base.installed import wheels as installed_wheels

__all__ = [
    "BaseResult",
    "folder",
    "installed_wheels",
    "make",
    "requirement_from_match_spec",
    "wheel_name_table",
]
