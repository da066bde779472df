"""Whose signature makes a server's certificate trusted."""

import os
from pathlib import Path

# Where a machine names the authorities of its network to OpenSSL, uv and pip: a file, or a folder.
VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def authorities() -> str | bool:
    """Return the file or folder of authorities that this machine names, True for those of the library.

    requests itself reads REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE only, which come first.
    """
    for variable in VARIABLES:
        path = os.environ.get(variable, "")
        if path and Path(path).exists():
            return path
    return True
