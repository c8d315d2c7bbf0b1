"""What a node gives to other nodes: ciphertext, and to nobody else; and what it says of images that another one has."""

import contextlib
import hashlib
import secrets
import sqlite3
import ssl

import pytest
import requests

from yingdun_testkit import part10
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: What nodes have said of themselves.
SAID = "SELECT store, address, certificate_sha256, log FROM node"
#: Where nobody listens.
NOWHERE = "https://127.0.0.1:9"


@pytest.fixture
def node(make_installation):
    """A node that others may reach, with one image: (installation, its DICOMweb, the image)."""
    settings = {"NODE__ADDRESS": "https://127.0.0.1:8443", "NODE__CA_FILE": "pki/ca.pem"}
    installation = make_installation("node", settings=settings)
    web = Web(installation, installation.office.client_token("gateway", "store", "search", "view"))
    image = part10.image(patient_name="Zhang^San", patient_id="node-1")
    web.must_store(part10.file_bytes(image))
    assert web.search("/studies")
    return installation, web, image


@contextlib.contextmanager
def catalogue(installation):
    path = installation.directory / "db" / "catalogue.db"
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        yield connection


def enter_node(installation, certificate_sha256: str):
    """Another node comes to the catalogue, with store 2."""
    with catalogue(installation) as rows:
        rows.execute("INSERT INTO pack_store (store, id, number) VALUES ('packs-2', ?, 2)", (secrets.token_bytes(16),))
        rows.execute("INSERT INTO node (store, address, certificate_sha256) VALUES (2, ?, ?)", (NOWHERE, bytes.fromhex(certificate_sha256)))


def place_of(installation) -> bytes:
    with catalogue(installation) as rows:
        [[location]] = rows.execute("SELECT location FROM instance").fetchall()
    return location


def numbers(location: bytes) -> list[int]:
    """Pack, offset, and the lengths of descriptor, metadata and object."""
    found, rest = [], location
    for _ in range(5):
        length = rest[0]
        found.append(int.from_bytes(rest[1 : 1 + length]))
        rest = rest[1 + length :]
    return found


def get(installation, path: str, identity=None, token=None):
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(installation.ca_file)
        if identity:
            session.cert = (identity["certificate_file"], identity["private_key_file"])
        if token:
            session.headers["Authorization"] = f"Bearer {token}"
        return session.get(f"{installation.addresses.web}/api/v1{path}", timeout=30)


def test_only_a_node_that_the_catalogue_names_is_given_bytes_and_they_are_ciphertext(node):
    installation, web, _image = node
    place = place_of(installation)
    pack, offset, *lengths = numbers(place)
    path = f"/nodes/records/{place.hex()}"
    span = f"{path}?from=0&to={224 + sum(lengths)}"
    other = installation.issue_certificate("node-2", "127.0.0.1")
    device = installation.issue_certificate("CT09")
    for identity in (None, other, device):
        assert get(installation, span, identity).status_code == 401
    enter_node(installation, other["sha256"])
    given = get(installation, span, other)
    assert given.status_code == 200
    stored = (installation.directory / "replica-a").rglob(f"*{pack:016x}*")
    [file] = [file for file in stored if file.is_file()]
    assert given.content == file.read_bytes()[offset : offset + len(given.content)]
    assert b"Zhang" not in given.content and b"node-1" not in given.content
    assert get(installation, f"{path}/soundness", other).json() == {"sound": True}
    assert get(installation, f"{span}&copy=3", other).status_code == 204
    assert get(installation, f"{path}?from=0&to={2**40}", other).status_code == 404
    assert get(installation, "/nodes/records/ff?from=0&to=8", other).status_code == 400
    # A certificate opens this and nothing else, and a token opens this door to nobody.
    assert get(installation, "/system/status", other).status_code == 401
    assert get(installation, span, device).status_code == 401
    assert get(installation, span, token=web.token).status_code == 401
    with catalogue(installation) as rows:
        rows.execute("UPDATE node SET address = NULL, certificate_sha256 = NULL WHERE store = 2")
    assert get(installation, span, other).status_code == 401, "who has closed is none of us"


def test_a_node_tells_its_address_and_certificate_and_takes_them_back_when_it_closes(node):
    installation, _web, _image = node
    pem = (installation.directory / "pki" / "server.pem").read_text()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
    with catalogue(installation) as rows:
        assert rows.execute(SAID).fetchall() == [(1, "https://127.0.0.1:8443", digest, "renmin/audit")]
    assert installation.stop() == 0
    installation.settings = {k: v for k, v in installation.settings.items() if not k.startswith("NODE__")}
    installation.start()
    with catalogue(installation) as rows:
        assert rows.execute(SAID).fetchall() == [(1, None, None, "renmin/audit")]


def test_an_image_that_another_node_has_is_unavailable_while_it_is_away_and_nothing_is_quarantined(node):
    installation, web, image = node
    enter_node(installation, "00" * 32)
    own = place_of(installation)
    with catalogue(installation) as rows:
        rows.execute("UPDATE instance SET location = ?", (b"\x11\x02" + own,))
    path = f"/studies/{image.StudyInstanceUID}/metadata"
    assert web.get(path).status_code == 503
    # Why, and what to do, is for the people of the house.
    wait_until(lambda: NOWHERE in installation.log_text(), "the log names the node that is away")
    with catalogue(installation) as rows:
        rows.execute("DELETE FROM node WHERE store = 2")
        rows.execute("UPDATE instance SET location = ?", (own,))
    assert web.get(path).status_code == 200
