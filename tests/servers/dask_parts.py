"""Dask of `.parts`: it can be imported here, and by the processes that this one starts."""

from servers.parts import folder_of, packages_of, use_parts

PARTS = folder_of("dask")


def use_dask_parts() -> None:
    """Let this process import Dask."""
    use_parts("dask", "distributed")


def dask_packages() -> list[str]:
    """Return the folder of Dask's packages, if this process uses it."""
    return packages_of("dask")
