"""Where the source of an image is, as its labels may say it: an address without a credential. Pure."""

import re

from flowlock.edges import address
from flowlock.errors import FlowlockError

# git's short form of an SSH address: git@github.com:octo/flow.git
_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]+\.[A-Za-z0-9-]+):(?P<path>[^/\\\s][^\s]*)")
_SSH = re.compile(r"ssh://(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]+)(?::[0-9]+)?/(?P<path>\S+)")


def public_address(remote: str) -> str:
    """Return a remote of git as a web address, without user, password and `.git`.

    Nothing for one that only means something on this machine, such as a folder.
    """
    match = _SSH.fullmatch(remote) or _SCP.fullmatch(remote)
    url = f"https://{match['host']}/{match['path']}" if match else address.without_user_info(remote)
    try:
        origin = address.origin_of(url)
    except FlowlockError:
        return ""
    return "" if origin.is_loopback else url.removesuffix("/").removesuffix(".git")
