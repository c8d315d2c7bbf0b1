"""Answers that come before the request is read: a client that sends on must still read them."""

import http.client
import ssl
import subprocess
from urllib.parse import urlparse

import pytest

#: A body that no socket buffer holds, sent to a route that refuses it by its first header.
BODY = bytes(50 << 20)
TIMES = 50


@pytest.fixture(scope="module")
def address(archive):
    return urlparse(archive.addresses.web)


@pytest.fixture(scope="module")
def trust(archive):
    return ssl.create_default_context(cafile=str(archive.ca_file))


def send(address, trust, path, headers, body) -> http.client.HTTPResponse:
    """Sends a whole request over TLS, looks at nothing before it is sent, and reads the answer to its end."""
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=trust, timeout=60)
    try:
        connection.request("POST", path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


STOW = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/dicom-web/studies", STOW, 401),
        ("/dicom-web/studies", {**STOW, "Authorization": "Bearer " + "A" * 43}, 401),
        ("/oauth2/token", {"Content-Type": "application/x-www-form-urlencoded"}, 413),
        ("/no/such/path", STOW, 404),
    ],
)
def test_who_sends_without_listening_reads_the_refusal_every_time(address, trust, path, headers, status):
    for turn in range(TIMES):
        answer = send(address, trust, path, headers, BODY)
        assert (answer.status, answer.headers["connection"]) == (status, "close"), f"turn {turn}"


def test_a_bad_part_header_is_told_to_who_still_sends(archive, address, trust, gateway):
    headers = {**STOW, "Authorization": f"Bearer {gateway.token}"}
    for _ in range(10):
        answer = send(address, trust, "/dicom-web/studies", headers, b"--b\r\nno colon\r\n\r\n" + BODY + b"\r\n--b--\r\n")
        assert answer.status == 400


def test_a_head_that_is_too_long_is_told_to_who_still_sends(address, trust):
    headers = {f"X-{number}": "x" * 60_000 for number in range(60)}
    assert send(address, trust, "/login", headers, b"").status == 431


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_reads_the_refusal_on_every_version(archive, tmp_path, version):
    body = tmp_path / "body"
    body.write_bytes(BODY)
    for _ in range(10):
        done = subprocess.run(
            ["curl", "-sS", version, "--cacert", archive.ca_file, "-H", "Expect:", "-H", "Content-Type: application/dicom"]
            + ["--data-binary", f"@{body}", "-o", "/dev/null", "-w", "%{http_code}"]
            + [f"{archive.addresses.web}/dicom-web/studies"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "401"), done.stderr
