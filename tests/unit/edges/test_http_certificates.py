"""Which certificates are trusted, and what is said of the others."""

import ssl
from pathlib import Path

import pytest
import trustme

from flowlock.edges import http
from flowlock.edges.http import Answer, HttpRequest
from flowlock.edges.retry_policy import RetryPolicy
from flowlock.errors import FlowlockError
from servers.loopback import Request, Response, answering

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PATIENCE = RetryPolicy(tries=4, first_pause=0.001, longest_pause=0.002, longest_wait=5.0)


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return trustme.CA()


def ask(authority: trustme.CA) -> tuple[Answer, list[Request]]:
    """Ask a server on this machine whose certificate an authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(status=200, body=b"said")

    with answering(answer, tls=context) as url:
        request = HttpRequest(method="GET", url=f"{url}/x")
        return http.call(http.session(), request, retry_policy=PATIENCE), seen


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_authorities_that_a_machine_names_are_trusted(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    bundle = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv(variable, str(bundle))
    answer, seen = ask(authority)
    assert (answer.body, len(seen)) == (b"said", 1)


def test_requests_own_variables_come_first(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, signed_by in (("ours.pem", authority), ("other.pem", trustme.CA())):
        signed_by.cert_pem.write_to_path(tmp_path / name)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ours.pem"))
    assert ask(authority)[0].body == b"said"


@pytest.mark.parametrize("named", ["", "absent.pem"])
def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / named) if named else "")
    with pytest.raises(FlowlockError) as refused:
        ask(authority)
    assert refused.value.problems[0].code == "FL025"
    assert refused.value.message.startswith("the certificate of 127.0.0.1")
    assert "SSL_CERT_FILE" in str(refused.value.problems[0].hint)


def test_a_bundle_that_is_not_there_is_reported(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    with pytest.raises(FlowlockError, match=r"absent\.pem"):
        ask(authority)
