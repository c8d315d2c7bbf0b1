"""A DICOMweb client that shows bytes: what exactly was sent, what exactly came back."""

import json
import secrets
from email.parser import BytesParser

import requests

REASONS = {
    0x0110: "processing failure",
    0x0122: "SOP class not supported",
    0x0124: "not authorised",
    0xA700: "out of resources",
    0xA900: "mismatch",
    0xC000: "cannot understand",
    0xC001: "too large",
    0xC002: "not DICOM",
}


class Web:
    """DICOMweb with one token."""

    def __init__(self, installation, token: str | None):
        self.installation = installation
        self.session = requests.Session()
        self.session.verify = str(installation.ca_file)
        self.session.trust_env = False
        self.use(token)

    def use(self, token: str | None):
        """Goes on with another token."""
        self.token = token
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    @property
    def base(self) -> str:
        return f"{self.installation.addresses.web}/dicom-web"

    def get(self, path: str, accept=None, **options) -> requests.Response:
        headers = {"Accept": accept} if accept else {}
        return self.session.get(f"{self.base}{path}", headers=headers, timeout=120, **options)

    def search(self, path: str, **keys) -> list:
        """The rows of a search, which must succeed."""
        answer = self.get(path, params=keys)
        assert answer.status_code == 200, f"{path} {keys}: {answer.status_code} {answer.text}"
        return answer.json()

    def store(self, *files: bytes, study=None) -> requests.Response:
        """Stores files in one multipart request."""
        boundary = secrets.token_hex(16)
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = b"".join(head + content + b"\r\n" for content in files) + f"--{boundary}--\r\n".encode()
        return self.store_raw(body, f'multipart/related; type="application/dicom"; boundary={boundary}', study)

    def store_raw(self, body, content_type: str, study=None) -> requests.Response:
        """Sends a body, bytes or a generator of bytes, as it is."""
        path = f"/studies/{study}" if study else "/studies"
        headers = {"Content-Type": content_type, "Accept": "application/dicom+json"}
        return self.session.post(f"{self.base}{path}", data=body, headers=headers, timeout=600)

    def must_store(self, *files: bytes):
        """Stores files that must be taken, all of them."""
        answer = self.store(*files)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def instance(self, study: str, series: str, instance: str) -> requests.Response:
        """Retrieves one instance as a file."""
        return self.get(instance_path(study, series, instance), "application/dicom; transfer-syntax=*")

    def file_of(self, data_set) -> bytes:
        """The stored file of a data set, which must be there."""
        answer = self.instance(data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.content


def instance_path(study: str, series: str, instance: str) -> str:
    return f"/studies/{study}/series/{series}/instances/{instance}"


def outcome(answer: requests.Response) -> str:
    """What became of the one object of a STOW-RS request: `stored`, or why not, as the answer says it."""
    try:
        body = answer.json()
    except json.JSONDecodeError:
        return f"HTTP {answer.status_code}"
    for tag in ("00081198", "0008119A"):
        if tag in body:
            code = body[tag]["Value"][0]["00081197"]["Value"][0]
            comment = body[tag]["Value"][0]["00000902"]["Value"][0]
            return f"{REASONS[code]} ({answer.status_code}): {comment}"
    if "00081199" in body and answer.status_code == 200:
        return "stored"
    return f"HTTP {answer.status_code}"


def parts(answer: requests.Response) -> list:
    """The parts of a multipart answer as (content type, bytes)."""
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    boundary = BytesParser().parsebytes(head).get_param("boundary").encode()
    found = []
    for piece in (b"\r\n" + answer.content).split(b"\r\n--" + boundary)[1:]:
        if piece.startswith(b"--"):
            return found
        headers, _, content = piece.partition(b"\r\n\r\n")
        found.append((BytesParser().parsebytes(headers.strip() + b"\r\n\r\n")["content-type"], content))
    raise AssertionError("the multipart answer has no closing delimiter")
