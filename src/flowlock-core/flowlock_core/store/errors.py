"""Why a result cannot be kept or read back."""


class UndigestibleError(Exception):
    """A value without a digest; says what it is."""


class NotCachedError(Exception):
    """A step or call whose results are not kept; says why."""


class NotKeptError(Exception):
    """Something that cannot be kept or read back; says why."""


class DamagedError(NotKeptError):
    """Something that was kept and is not as it was."""
