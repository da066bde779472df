"""Whose signature makes a server's certificate trusted."""

import os
from pathlib import Path

from flowlock.errors import FlowlockError

# Read by requests itself, which fails without a specific error if there is no such file.
OF_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# Where a machine names its authorities to OpenSSL, uv and pip, which ignore a path that does not exist.
OF_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def authorities() -> str | bool:
    """Return the file or folder of authorities that this machine names, True for those of the library."""
    for variable in OF_REQUESTS:
        path = os.environ.get(variable, "")
        if path and not Path(path).exists():
            raise FlowlockError(
                f"{variable} names {path}, which does not exist",
                code="FL025",
                hint="set it to a file with certificates, or unset the variable",
            )
        if path:
            return path
    for variable in OF_OPENSSL:
        path = os.environ.get(variable, "")
        if path and Path(path).exists():
            return path
    return True
