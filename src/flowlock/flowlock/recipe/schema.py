"""Which keys a recipe may have (rattler-build's schema), and what replaced older keys. Pure."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from flowlock.documents.places import KeyPath, Places
from flowlock.errors import Problem, nearest
from flowlock.recipe.values import leaves, table

_PATCHED = ("patches", "target_directory", "filter")
_SCRIPT = ("interpreter", "env", "secrets", "content", "file", "cwd")
_GLOBS = ("include", "exclude")
# By what leads to a mapping, or to each mapping of a list.
KEYS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (): (
        "$schema",
        "schema_version",
        "context",
        "package",
        "source",
        "build",
        "requirements",
        "tests",
        "about",
        "extra",
    ),
    ("package",): ("name", "version"),
    ("build",): (
        "number",
        "string",
        "script",
        "steps",
        "noarch",
        "flags",
        "python",
        "skip",
        "always_copy_files",
        "always_include_files",
        "merge_build_and_host_envs",
        "files",
        "dynamic_linking",
        "variant",
        "prefix_detection",
        "post_process",
    ),
    ("build", "script"): _SCRIPT,
    ("build", "steps"): ("run", "if", "interpreter", "cwd", "env"),
    ("build", "files"): _GLOBS,
    ("build", "dynamic_linking"): (
        "rpaths",
        "binary_relocation",
        "missing_dso_allowlist",
        "rpath_allowlist",
        "overdepending_behavior",
        "overlinking_behavior",
    ),
    ("build", "python"): (
        "entry_points",
        "skip_pyc_compilation",
        "use_python_app_entrypoint",
        "version_independent",
        "site_packages_path",
    ),
    ("build", "variant"): ("use_keys", "ignore_keys", "down_prioritize_variant"),
    ("build", "prefix_detection"): ("force_file_type", "ignore", "ignore_binary_files"),
    ("build", "prefix_detection", "force_file_type"): ("text", "binary"),
    ("build", "post_process"): ("files", "regex", "replacement"),
    ("source", "filter"): _GLOBS,
    ("source", "attestation"): ("bundle_url", "publishers"),
    ("requirements",): (
        "build",
        "host",
        "run",
        "run_constraints",
        "extras",
        "run_exports",
        "ignore_run_exports",
    ),
    ("requirements", "run_exports"): ("noarch", "strong", "strong_constraints", "weak", "weak_constraints"),
    ("requirements", "ignore_run_exports"): ("by_name", "from_package"),
    ("tests",): (
        "python",
        "perl",
        "r",
        "ruby",
        "script",
        "requirements",
        "files",
        "downstream",
        "package_contents",
    ),
    ("tests", "python"): ("imports", "pip_check", "python_version"),
    ("tests", "perl"): ("uses",),
    ("tests", "r"): ("libraries",),
    ("tests", "ruby"): ("requires",),
    ("tests", "script"): _SCRIPT,
    ("tests", "requirements"): ("run", "build"),
    ("tests", "files"): ("source", "recipe"),
    ("tests", "package_contents"): ("files", "site_packages", "bin", "lib", "include", "strict"),
    ("about",): (
        "homepage",
        "license",
        "license_file",
        "license_family",
        "summary",
        "description",
        "documentation",
        "repository",
    ),
}
# A source has the keys of its kind, by the key that says which that is.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "sha256", "md5", "file_name", "attestation", *_PATCHED),
    "git": (
        "git",
        "rev",
        "tag",
        "branch",
        "depth",
        "lfs",
        "submodules",
        "expected_commit",
        *_PATCHED,
    ),
    "path": ("path", "sha256", "md5", "file_name", "use_gitignore", *_PATCHED),
}
# Keys of conda-build's recipes, or of keys of another section, and what to write instead.
MOVED: Mapping[tuple[str, ...], str] = {
    ("test",): "`tests`, a list",
    ("requirement",): "`requirements`",
    ("build", "entry_points"): "`build.python.entry_points`",
    ("build", "ignore_run_exports"): "`requirements.ignore_run_exports.by_name`",
    ("build", "ignore_run_exports_from"): "`requirements.ignore_run_exports.from_package`",
    ("build", "run_exports"): "`requirements.run_exports`",
    ("build", "script_env"): "`build.script.env`",
    ("build", "skip_compile_pyc"): "`build.python.skip_pyc_compilation`",
    ("build", "detect_binary_files_with_prefix"): "`build.prefix_detection.ignore_binary_files`",
    ("build", "binary_relocation"): "`build.dynamic_linking.binary_relocation`",
    ("build", "missing_dso_whitelist"): "`build.dynamic_linking.missing_dso_allowlist`",
    ("build", "rpaths"): "`build.dynamic_linking.rpaths`",
    ("requirements", "run_constrained"): "`requirements.run_constraints`",
    ("source", "fn"): "`file_name`",
    ("source", "folder"): "`target_directory`",
    ("source", "git_url"): "`git`",
    ("source", "git_rev"): "`rev`, `tag` or `branch`",
    ("source", "git_depth"): "`depth`",
    ("tests", "imports"): "`python: {imports: […]}`",
    ("tests", "commands"): "`script`",
    ("tests", "requires"): "`requirements: {run: […]}`",
    ("tests", "source_files"): "`files: {source: […]}`",
    ("about", "home"): "`about.homepage`",
    ("about", "url"): "`about.homepage`",
    ("about", "doc_url"): "`about.documentation`",
    ("about", "dev_url"): "`about.repository`",
    ("about", "license_url"): "`about.license` and `about.license_file`",
}


def unknown_keys(document: Mapping[str, Any], places: Places) -> Iterator[Problem]:
    """Yield each key that is not allowed at its position."""
    for keys, allowed in KEYS.items():
        value = table(document, *keys[:-1]).get(keys[-1]) if keys else document
        for place, item in _mappings(document, keys, value):
            yield from _unknown(item, keys, allowed, place, places)
    for place, source in leaves(document.get("source"), ("source",)):
        if isinstance(source, Mapping):
            yield from _unknown(source, ("source",), _source_keys(source), place, places)


def _source_keys(source: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of a source's kind; of every kind, if it does not say its own."""
    kinds = [keys for kind, keys in SOURCES.items() if kind in source] or list(SOURCES.values())
    return tuple(dict.fromkeys(chain.from_iterable(kinds)))


def _mappings(
    document: Mapping[str, Any], keys: tuple[str, ...], value: Any
) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """Yield the mappings that keys lead to, also through a list on the way or behind selectors."""
    if len(keys) > 1 and keys[0] in {"source", "tests"}:
        for place, outer in leaves(document.get(keys[0]), keys[:1]):
            if isinstance(outer, Mapping):
                yield from _items(outer.get(keys[1]), (*place, keys[1]))
    else:
        yield from _items(value, keys)


def _items(value: Any, place: KeyPath) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    for inner, item in leaves(value, place):
        if isinstance(item, Mapping):
            yield inner, item


def _unknown(
    item: Mapping[str, Any], keys: tuple[str, ...], allowed: tuple[str, ...], place: KeyPath, places: Places
) -> Iterator[Problem]:
    for key in item:
        if key in allowed:
            continue
        moved = MOVED.get((*keys, key))
        shown = ".".join((*keys, key))
        yield Problem(
            code="FL311",
            message=f"unknown key `{shown}`",
            location=places.key((*place, key)),
            hint=f"write {moved}" if moved else nearest(key, allowed),
        )
