#!/bin/sh
# Makes .venv, with every tool of the project in it, and says a line about each step: tools/bootstrap.sh [PYTHON]
# Where nothing has changed since the last time, it asks no package index and prints nothing.
set -eu
cd "$(dirname "$0")/.."

# Settings that are about another environment than this one.
unset CONDA_PREFIX PIP_PREFIX PIP_TARGET PIP_USER PYTHONHOME PYTHONPATH
unset UV_PROJECT UV_PROJECT_ENVIRONMENT UV_PYTHON UV_SYSTEM_PYTHON VIRTUAL_ENV

log=
trap 'rm -f "$log"' EXIT

say() {
    printf 'environment  %s\n' "$*" >&2
}

fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    printf '%s\n' "$@" >&2
    exit 1
}

nothing_works() {
    fail "$1" \
        'Install Python 3.11 or newer with its venv module, or uv:' \
        '    Debian, Ubuntu   apt install python3 python3-venv' \
        '    Fedora           dnf install python3' \
        '    macOS            brew install python' \
        'or name the Python to use: make PYTHON=/usr/local/bin/python3.12 demo'
}

# Prints version, executable and base folder, a line each, of a Python that will do; fails for any other.
probe() {
    "$1" -I -S -c '
import sys, sysconfig
old = sys.version_info < (3, 11) or sys.implementation.name != "cpython"
if old or sysconfig.get_config_var("Py_GIL_DISABLED") or sysconfig.get_config_var("Py_DEBUG"):
    sys.exit(1)
print(sys.version.split()[0], sys.executable, sys.base_prefix, sep="\n")
' 2>/dev/null </dev/null
}

# Prints the files on the PATH whose name fits a pattern, in the order of its folders.
on_path() (
    pattern=$1
    set -f
    IFS=:
    for folder in $PATH; do
        set +f
        for file in "${folder:-.}"/$pattern; do
            if [ -f "$file" ] && [ -x "$file" ]; then
                printf '%s\n' "$file"
            fi
        done
        set -f
    done
)

# Prints every Python that may do: those named python3, then the newest of those beside them.
candidates() {
    on_path python3
    {
        on_path 'python3.[0-9][0-9]'
        for file in "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}"/versions/*/bin/python3.[0-9][0-9]; do
            printf '%s\n' "$file"
        done
    } | while IFS= read -r file; do
        printf '%s %s\n' "${file##*/python3.}" "$file"
    done | sort -rn | cut -d ' ' -f 2-
    if command -v uv >/dev/null; then
        uv python find '>=3.11' 2>/dev/null || true
    fi
}

# Sets `python`, `version` and `base` from the answer of `probe`.
take() {
    version=$(printf '%s\n' "$1" | sed -n 1p)
    python=$(printf '%s\n' "$1" | sed -n 2p)
    base=$(printf '%s\n' "$1" | sed -n 3p)
}

find_python() {
    rejected=
    files=$(candidates)
    set -f
    IFS='
'
    for file in $files; do
        if answer=$(probe "$file"); then
            take "$answer"
            break
        fi
        rejected=${rejected:-$file}
    done
    set +f
    unset IFS
    if [ -z "${python:-}" ]; then
        nothing_works 'there is no Python 3.11 or newer, neither on the PATH nor of pyenv or uv'
    fi
    if [ -n "$rejected" ]; then
        say "$rejected is $(describe "$rejected"), which is not used: 3.11 or newer is needed"
    fi
}

describe() {
    "$1" --version 2>&1 </dev/null | sed -n 1p || true
}

# Runs a command; its output is shown if it fails.
quietly() {
    if ! "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        return 1
    fi
}

# The same for a command that nothing can go on without.
must() {
    quietly "$@" || fail "the environment is not complete: \`$*\` failed, as it says above" \
        'If the package index cannot be reached, check the network, the proxy and the index settings' \
        'of pip and uv; then run the same command again.'
}

# Where the account's own cache cannot be written, as in a read-only home, uv gets one here.
find_cache() {
    cache=$("$1" cache dir 2>/dev/null) || cache=
    if ! { [ -n "$cache" ] && mkdir -p "$cache" && [ -w "$cache" ]; } 2>/dev/null; then
        UV_CACHE_DIR="$(pwd -P)/.flowlock/cache/uv"
        export UV_CACHE_DIR
    fi
}

make_environment() {
    rm -rf .venv
    ! command -v uv >/dev/null || find_cache uv
    if command -v uv >/dev/null && quietly uv venv --python "$python" .venv; then
        say "Python $version, $python; made with uv, $(command -v uv)"
        say 'downloading uv'
        quietly uv pip install --python .venv/bin/python uv && return
        say 'uv on the PATH failed: going on without it'
        rm -rf .venv
    fi
    # Its own pip is used if it has --python (from 22.3 on), because installing another one takes seconds.
    if "$python" -c 'import pip, venv; assert tuple(map(int, pip.__version__.split(".")[:2])) >= (22, 3)' \
        2>/dev/null; then
        say "Python $version, $python; made with venv and its pip"
        must "$python" -m venv --without-pip .venv
        say 'downloading uv'
        must "$python" -m pip --python .venv/bin/python install --disable-pip-version-check --no-input uv
    elif "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "Python $version, $python; made with venv"
        must "$python" -m venv .venv
        say 'downloading uv'
        must .venv/bin/python -m pip install --disable-pip-version-check --no-input uv
    else
        nothing_works "$python has neither ensurepip nor a pip from 22.3 on, and uv is not on the PATH"
    fi
}

# Prints a digest of what the environment is made of.
inputs() {
    {
        pwd -P
        .venv/bin/python -V
        cat pyproject.toml src/*/pyproject.toml
    } 2>/dev/null | cksum
}

if [ -n "${1:-}" ]; then
    answer=$(probe "$1") || nothing_works "$1 is not a CPython from 3.11 on, but $(describe "$1")"
    take "$answer"
    made_of=$(probe .venv/bin/python | sed -n 3p)
    if [ "$made_of" != "$base" ]; then
        rm -rf .venv
    fi
fi
if [ -f .venv/made-of ] && [ "$(cat .venv/made-of)" = "$(inputs)" ]; then
    exit 0
fi
log=$(mktemp)
if ! { [ -x .venv/bin/uv ] && probe .venv/bin/python >/dev/null; }; then
    [ -n "${python:-}" ] || find_python
    make_environment
fi
find_cache .venv/bin/uv
say 'resolving what the project needs'
# Once: it takes seconds, and every `uv sync` that is not frozen would do it.
must .venv/bin/uv lock --python .venv/bin/python
must .venv/bin/uv sync --frozen --all-packages --inexact --python .venv/bin/python --dry-run
planned=$(sed -n -e 's/^Would download \(.*\)/downloading \1,/p' -e 's/^Would install \(.*\)/installing \1/p' "$log")
if [ -n "$planned" ]; then
    say "$(printf '%s\n' "$planned" | paste -s -d ' ' -)"
fi
must .venv/bin/uv sync --frozen --all-packages --inexact --python .venv/bin/python
.venv/bin/python -m compileall -q src
inputs >.venv/made-of
