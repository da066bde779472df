"""Names that Dagster takes: of jobs, of ops, and of steps whose ids it reserves."""

import re
from collections.abc import Iterable
from keyword import iskeyword

from flowlock_core.errors import WorkflowError

# Dagster refuses these as names of ops, beside Python's keywords.
RESERVED = frozenset(
    (
        "arg_dict",
        "bool",
        "conf",
        "config",
        "context",
        "dict",
        "float",
        "input",
        "input_arg_dict",
        "int",
        "meta",
        "output",
        "output_arg_dict",
        "result",
        "str",
        "type",
    )
)
_JOB_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEPARATOR = "__"


def node_names(ids: Iterable[str]) -> dict[str, str]:
    """Return the name of each id in a job's graph: the id itself, or with `_` behind it if that is reserved.

    The names of a graph are unique.
    """
    ids = list(ids)
    names = {step: step for step in ids if not _is_reserved(step)}
    taken = set(names.values())
    for step in ids:
        if step not in names:
            names[step] = free_name(f"{step}_", taken)
            taken.add(names[step])
    return names


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken, with as few `_` behind it as that needs."""
    while name in taken:
        name = f"{name}_"
    return name


def op_name(job: str, node: str) -> str:
    """Return the name of an op, of which a code location may have one only: no other pair has the same.

    Where the same name could stand for two pairs, it has the length of its first part.
    """
    plain = _SEPARATOR not in job and not job.endswith("_")
    if plain and _SEPARATOR not in node and not node.startswith("_"):
        return f"{job}{_SEPARATOR}{node}"
    return f"n{len(job)}{_SEPARATOR}{job}{_SEPARATOR}{node}"


def graph_name(job: str) -> str:
    """Return the name of a job's graph, which must not be that of an op either."""
    return job if _SEPARATOR not in job else f"n{len(job)}{_SEPARATOR}{job}"


def checked_job_name(name: str) -> str:
    """Return the name of a job; a WorkflowError if Dagster would refuse it."""
    if _JOB_NAME.fullmatch(name) and not _is_reserved(name):
        return name
    raise WorkflowError(
        f"`{name}` cannot be the name of a job in Dagster",
        code="FL797",
        hint="use letters, digits and `_`, and no word that Dagster or Python reserves",
    )


def _is_reserved(name: str) -> bool:
    return name in RESERVED or iskeyword(name)
