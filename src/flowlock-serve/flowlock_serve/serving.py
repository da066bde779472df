"""A service from its start to its end: options → settings → runs → server → exit code."""

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import stat
from ipaddress import ip_address
from pathlib import Path

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.destination import connection_without_bucket
from flowlock_core.errors import ExitCode, UsageError, WorkflowError
from flowlock_core.runs.results_url import FILE, ResultsUrl
from flowlock_serve.app import application
from flowlock_serve.data_folders import DataFolders
from flowlock_serve.runs.connections import remember_secrets
from flowlock_serve.runs.served_runs import ServedRuns
from flowlock_serve.security.sessions import Sessions
from flowlock_serve.served_workflow import ServedWorkflow, require_usable
from flowlock_serve.server import bound_socket, serve
from flowlock_serve.service import Service
from flowlock_serve.service_log import announce, log_to_stderr
from flowlock_serve.settings import (
    DAY,
    AccessSettings,
    ResultsTarget,
    Retention,
    RunSettings,
    ServiceSettings,
)

_LOG = logging.getLogger("flowlock_serve")
_SHORTEST_TOKEN = 32
_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH


def serve_workflow(bundle: Bundle, arguments: argparse.Namespace) -> ExitCode:
    """Serve a workflow until a signal arrives; return the exit code."""
    runs = run_settings(arguments)
    token = _token(arguments)
    workflow = ServedWorkflow(bundle, DataFolders(folders=runs.data))
    require_usable(workflow)
    remember_secrets(workflow.plan)
    with bound_socket(arguments.host, arguments.port) as listening:
        settings = ServiceSettings(runs=runs, access=access_settings(arguments, token, listening))
        service = Service(
            workflow=workflow,
            runs=ServedRuns(bundle, workflow.plan, settings.runs),
            sessions=Sessions(settings.access),
            settings=settings,
            streams=asyncio.Semaphore(settings.limits.streams),
        )
        service.runs.start()
        try:
            as_json = arguments.log == "json"
            log_to_stderr(as_json=as_json, quiet=arguments.quiet)
            announce(bundle.command, _address(arguments.host, settings.access, listening), as_json=as_json)
            _warn_of_strangers(arguments.host, arguments.token_file)
            number = serve(application(service), listening, settings.limits, service.runs.refuse)
        finally:
            service.runs.stop()
    return ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.DONE


def run_settings(arguments: argparse.Namespace) -> RunSettings:
    """Return how runs are executed and kept; a UsageError if a folder does not exist."""
    data = arguments.data or [Path.cwd()]
    for folder in data:
        if not folder.is_dir():
            hint = "name a folder that exists"
            raise UsageError(f"the data folder {folder} does not exist", code="FL739", hint=hint)
    target = _target(arguments)
    return RunSettings(
        folder=_local_folder(arguments) if target is None else arguments.state.resolve(),
        target=target,
        data=tuple(folder.resolve() for folder in data),
        workers=arguments.workers,
        queue=arguments.queue,
        time_limit=arguments.time_limit,
        cache=None if arguments.cache is None else arguments.cache.absolute(),
        retention=Retention(
            runs=arguments.keep_runs,
            seconds=arguments.keep_days * DAY,
            size=int(arguments.keep_gigabytes * 10**9),
        ),
    )


def access_settings(arguments: argparse.Namespace, token: str, listening: socket.socket) -> AccessSettings:
    """Return who may use the service; each host name has the port at which it is listening."""
    port = listening.getsockname()[1]
    is_local = is_loopback(arguments.host) or _is_wildcard(arguments.host)
    names = {"localhost", "127.0.0.1", "[::1]"} if is_local else set()
    names.add(f"[{arguments.host}]" if ":" in arguments.host else arguments.host)
    hosts = sorted(f"{name}:{port}" for name in names)
    return AccessSettings(
        token=token,
        exchanged_once=arguments.token_file is None,
        hosts=(*hosts, *(name.lower() for name in arguments.allow_host)),
        # Browsers send cookies of one port to all ports of a host.
        cookie=f"flowlock_session_{port}",
    )


def is_loopback(host: str) -> bool:
    """Return whether an address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_wildcard(host: str) -> bool:
    """Return whether an address is all of this machine's, also loopback, as a container listens on."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _token(arguments: argparse.Namespace) -> str:
    if arguments.token_file is not None:
        return _token_of(arguments.token_file)
    if not is_loopback(arguments.host):
        raise UsageError(
            f"--host {arguments.host} can be reached from other machines, and needs --token-file",
            code="FL739",
            hint="write a random token into a file that only you can read, and let a proxy do TLS",
        )
    return secrets.token_urlsafe(32)


def _token_of(file: Path) -> str:
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not ASCII text"
        raise WorkflowError(
            f"cannot read the token in {file}: {reason}", code="FL780", hint="check the path and its owner"
        ) from error
    if len(token) < _SHORTEST_TOKEN or not token.isprintable() or " " in token:
        raise WorkflowError(
            f"the token in {file} must have {_SHORTEST_TOKEN} characters or more, and no space",
            code="FL780",
            hint="make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return token


def _target(arguments: argparse.Namespace) -> ResultsTarget | None:
    """Return the bucket that `--results` names, None for a folder."""
    url = ResultsUrl.parse(arguments.results)
    connection = arguments.results_connection
    if connection is not None and (url is None or url.scheme != "s3"):
        raise connection_without_bucket()
    if url is None or url.scheme == FILE:
        return None
    return ResultsTarget(url=url, connection=connection)


def _local_folder(arguments: argparse.Namespace) -> Path:
    url = ResultsUrl.parse(arguments.results)
    folder = Path(arguments.results) if url is None else url.path
    return folder.resolve()


def _address(host: str, access: AccessSettings, listening: socket.socket) -> str:
    """Return the address of the page; a token for one start is in the fragment, which no server sees."""
    port = listening.getsockname()[1]
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{port}/"
    return f"{address}#token={access.token}" if access.exchanged_once else address


def _warn_of_strangers(host: str, token_file: Path | None) -> None:
    if not is_loopback(host):
        _LOG.warning("requests are not encrypted; let a proxy with TLS pass them on")
    # Secrets that are mounted into containers cannot be made private: this is not refused.
    if token_file is not None and os.name == "posix" and token_file.stat().st_mode & _READABLE_BY_OTHERS:
        _LOG.warning("other users can read the token; run: chmod 600 %s", token_file)
