"""Values of a call's own: what a task changes in place, no other step sees.

Lists, mappings, sets, NumPy arrays and pandas objects are copied at any depth of lists and mappings, right
before a call. A copy of a frame is cheap: pandas copies a column when it is written to. What is inside
other objects is shared, and a task must not change it.
"""

import sys
from collections.abc import Mapping
from typing import Any

_UNCHANGING = frozenset((type(None), bool, int, float, complex, str, bytes))
# The first release in which a copy that is not deep is copied on write, whatever the options.
_COPIES_ON_WRITE = 3


def own_values(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a call, with copies of all that a task could change."""
    for value in values.values():
        if type(value) not in _UNCHANGING:
            return {name: _own(value) for name, value in values.items()}
    return values


def _own(value: Any) -> Any:
    kind = type(value)
    if kind in _UNCHANGING:
        return value
    if kind is list:
        return [_own(item) for item in value]
    if kind is dict:
        return {key: _own(item) for key, item in value.items()}
    if kind is tuple:
        return tuple([_own(item) for item in value])
    if kind is set or kind is bytearray:
        return value.copy()
    return _own_array_or_frame(value)


def _own_array_or_frame(value: Any) -> Any:
    pandas: Any = sys.modules.get("pandas")
    # `pandas` is in the table of modules before its import has ended.
    if hasattr(pandas, "Series") and isinstance(value, (pandas.DataFrame, pandas.Series)):
        return value.copy(deep=not _copied_on_write(pandas))
    numpy: Any = sys.modules.get("numpy")
    if hasattr(numpy, "ndarray") and isinstance(value, numpy.ndarray):
        return value.copy()
    return value


def _copied_on_write(pandas: Any) -> bool:
    if int(pandas.__version__.partition(".")[0]) >= _COPIES_ON_WRITE:
        return True
    return pandas.options.mode.copy_on_write is True
