"""Trees of files that a build script may install: strategies for property tests."""

from hypothesis import strategies as st

SITE = "lib/python3.11/site-packages"
# Names that engines, installers and indexers treat in ways of their own, beside any others.
SPECIAL = st.sampled_from(
    [
        "__pycache__",
        "a.cpython-311.pyc",
        "a.py",
        "a.pyc",
        "a.pyo",
        "a.la",
        "a.so",
        "a.egg-info",
        "b.dist-info",
        "METADATA",
        "RECORD",
        "direct_url.json",
        "top_level.txt",
        "conda-meta",
        "CACHEDIR.TAG",
        ".DS_Store",
        "site-packages",
        "Größe.txt",
    ]
)
LETTERS = st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='/\\"$`')
PART = SPECIAL | st.text(LETTERS, min_size=1, max_size=8).filter(lambda part: part not in {".", "..", ".git"})
ROOT = st.sampled_from([SITE, "share", "bin", "etc"])
PATH = st.tuples(ROOT, st.lists(PART, min_size=1, max_size=3)).map(
    lambda parts: "/".join((parts[0], *parts[1]))
)


def without_conflicts(paths: list[str]) -> list[str]:
    """Return the paths of which none is a folder of another."""
    return [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]


TREE = st.lists(PATH, min_size=1, max_size=25, unique=True).map(without_conflicts)
