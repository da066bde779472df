"""Match specs as text: what can be read without an engine."""


def name_of(spec: str) -> str:
    """Return the package's name that a match spec begins with."""
    text = spec.rsplit("::", 1)[-1].strip()
    for at, char in enumerate(text):
        if not (char.isalnum() or char in "_.-"):
            return text[:at].lower()
    return text.lower()
