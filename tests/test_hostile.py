"""What an archive gets from broken devices and from people who mean harm: a clear answer, and life goes on."""

import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import random
import socket
import ssl
import struct
import zlib
from urllib.parse import urlparse

import pynetdicom
import pytest
import requests
from pynetdicom.sop_class import SecondaryCaptureImageStorage, Verification

from yingdun_testkit import part10
from yingdun_testkit.web import Web, instance_path, outcome

#: Bytes of the large object; 5368709120 is the full run.
LARGE_OBJECT_BYTES = int(os.environ.get("YINGDUN_LARGE_OBJECT_BYTES", str(600 * 1000 * 1000)))
#: The most memory that a large object may need.
RESIDENT_BYTES_MAX = 200 * 1000 * 1000
#: The most memory that each client that is given a large object may need: some reads ahead, and the buffers of a connection.
RESIDENT_BYTES_OF_A_CLIENT_MAX = 20 * 1000 * 1000
#: The most memory that hashing passwords may leave behind: four at the same time, 19 MiB each, and a little.
RESIDENT_BYTES_OF_PASSWORDS_MAX = 4 * 19 * 1024 * 1024 + 20 * 1000 * 1000
#: The most memory that any of the attacks below may need, all of them in one process.
RESIDENT_UNDER_ATTACK_BYTES_MAX = 300 * 1000 * 1000

MULTIFRAME = "1.2.840.10008.5.1.4.1.1.7.4"  # Multi-frame True Color Secondary Capture
JPEG_LS = "1.2.840.10008.1.2.4.80"
DEFLATED = "1.2.840.10008.1.2.1.99"


@pytest.fixture(scope="module")
def attacked(make_installation):
    """An archive for this module, which must be the same process at the end, in good health."""
    installation = make_installation("attacked")
    installation.office.device("ATTACKER", plain_allowed=True)
    process = installation.process.pid
    installation.web = Web(installation, installation.office.client_token("attacker", "store", "search", "view"))
    yield installation
    assert installation.process.poll() is None and installation.process.pid == process
    ready = installation.web.session.get(f"{installation.addresses.web}/health/ready", timeout=30)
    assert ready.status_code == 200, ready.text
    assert installation.resident_bytes_max() < RESIDENT_UNDER_ATTACK_BYTES_MAX
    assert "panicked" not in installation.log_text()
    assert installation.stop() == 0
    assert installation.verify_audit()["ok"]


@pytest.fixture(autouse=True)
def lives_on(request):
    """After every attack the archive takes and gives an ordinary image."""
    yield
    if "attacked" in request.fixturenames:
        web, image = request.getfixturevalue("attacked").web, part10.image(patient_id="ordinary")
        web.must_store(part10.file_bytes(image))
        assert part10.parse(web.file_of(image)) == image


# === data sets ===

STUDY, SERIES, INSTANCE = "2.25.91", "2.25.92", "2.25.93"


def crafted(*more: bytes, instance=INSTANCE, study=STUDY, charset=b"ISO_IR 192") -> bytes:
    """A file with the elements that an archive needs, and others behind them."""
    element = part10.element
    head = element(0x00080005, b"CS", charset)
    head += element(0x00080016, b"UI", part10.SECONDARY_CAPTURE.encode()) + element(0x00080018, b"UI", instance.encode())
    head += element(0x00100010, b"PN", b"Crafted^Object") + element(0x00100020, b"LO", b"crafted")
    head += element(0x0020000D, b"UI", study.encode()) + element(0x0020000E, b"UI", SERIES.encode())
    return part10.raw_file(head + b"".join(more), sop_class=part10.SECONDARY_CAPTURE, sop_instance=instance)


def nested(depth: int) -> bytes:
    """A private sequence in a sequence in a sequence, of undefined lengths."""
    opening = struct.pack("<HH", 0x0029, 0x1010) + b"SQ" + struct.pack("<HI", 0, 0xFFFFFFFF)
    opening += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closing = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return opening * depth + closing * depth


def lying(tag: int, vr: bytes, length: int, value: bytes) -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    return head + (struct.pack("<HI", 0, length) if vr in part10.LONG_VRS else struct.pack("<H", length)) + value


def is_refused(web, content: bytes, instance=INSTANCE):
    answer = web.store(content)
    assert outcome(answer).startswith("cannot understand (409)"), outcome(answer)
    assert web.get(instance_path(STUDY, SERIES, instance)).status_code in (400, 404), "nothing of it is kept"


def test_what_is_crafted_here_is_stored_when_nothing_is_wrong_with_it(attacked):
    content = crafted(part10.element(0x00204000, b"LT", b"fine"), nested(8), instance="2.25.94")
    attacked.web.must_store(content)
    came = attacked.web.instance(STUDY, SERIES, "2.25.94").content
    assert part10.data_set_bytes(came) == part10.data_set_bytes(content)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(lying(0x00204000, b"LT", 60000, b"short"), id="a length beyond the end"),
        pytest.param(lying(0x00420011, b"OB", 0xFFFFFFF0, b"short"), id="a long length beyond the end"),
        pytest.param(lying(0x7FE00010, b"OW", 1 << 20, bytes(1000)), id="pixels that are shorter than they say"),
        pytest.param(b"\x20\x00\x00\x40L", id="a header cut off in the middle"),
        pytest.param(nested(1)[:-16], id="a sequence without an end"),
        pytest.param(struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"abcd", id="an item outside of a sequence"),
        pytest.param(nested(20000), id="a very deep sequence"),
        pytest.param(part10.element(0x00080018, b"UI", b"2.25.666"), id="an object that is identified twice"),
        pytest.param(lying(0x7FE00010, b"OB", 0xFFFFFFFF, b"no item here"), id="fragments that are no fragments"),
    ],
)
def test_a_broken_data_set_is_told_so_and_nothing_of_it_is_kept(attacked, more):
    is_refused(attacked.web, crafted(more))


@pytest.mark.parametrize(
    "uid", ["../../../../etc/passwd", "1.2/../../3", "..", ".", "1" * 65, "1.2.x", "$(id)", "a\0b"]
)
def test_a_uid_that_is_a_path_is_no_uid(attacked, uid):
    is_refused(attacked.web, crafted(instance=uid), instance="2.25.95")
    answer = attacked.web.store(crafted(study=uid, instance="2.25.95"))
    assert outcome(answer).startswith("cannot understand (409)")
    names = {path.name for path in attacked.files()}
    assert not {"passwd", uid} & names


@pytest.mark.parametrize("path", ["/studies/..%2f..%2fetc%2fpasswd", "/studies/2.25.1/series/..%2f..", "/studies/%00",
                                  "/studies/" + "1" * 65, "/studies/%ff%fe", "/studies/2.25.1/metadata/.."])
def test_a_path_that_is_no_address_is_refused(attacked, path):
    assert attacked.web.get(path).status_code in (400, 404)


def test_an_unknown_vr_and_a_broken_character_set_are_kept_as_they_came(attacked):
    unknown = struct.pack("<HH", 0x0020, 0x4000) + b"ZZ" + struct.pack("<HI", 0, 4) + b"abcd"
    content = crafted(unknown, instance="2.25.96")
    result = outcome(attacked.web.store(content))
    if result == "stored":
        came = attacked.web.instance(STUDY, SERIES, "2.25.96").content
        assert part10.data_set_bytes(came) == part10.data_set_bytes(content)
    else:
        assert result.startswith("cannot understand (409)"), result
    for number, charset in enumerate([b"ISO_IR 999", b"\\\\\\", b"ISO 2022 IR 87\\GB18030", b"UTF-8"]):
        uid = f"2.25.9700{number}"
        broken = part10.element(0x00204000, b"LT", b"\x1b$B\xff\xfe\x80\x00")
        content = crafted(broken, instance=uid, charset=charset)
        attacked.web.must_store(content)
        came = attacked.web.instance(STUDY, SERIES, uid).content
        assert part10.data_set_bytes(came) == part10.data_set_bytes(content)
        metadata = attacked.web.get(instance_path(STUDY, SERIES, uid) + "/metadata")
        assert metadata.status_code == 200 and metadata.json()[0]["00080018"]["Value"] == [uid]


def test_a_million_elements_are_bounded(attacked):
    many = b"".join(struct.pack("<HH", 0x0029, 0x1000 + number % 0xE000) + b"LO\0\0" for number in range(1_000_000))
    assert outcome(attacked.web.store(crafted(many))).startswith(("cannot understand", "too large"))


def test_a_deflate_bomb_is_bounded(attacked):
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = part10.data_set_bytes(crafted(instance="2.25.98"))
    bomb = zeros.compress(plain + lying(0x00420011, b"OB", 1 << 30, b""))
    block = bytes(1 << 20)
    for _ in range(1 << 10):
        bomb += zeros.compress(block)
    bomb += zeros.flush()
    assert len(bomb) < 2 << 20
    file = part10.raw_file(bomb, sop_class=part10.SECONDARY_CAPTURE, sop_instance="2.25.98", syntax=DEFLATED)
    result = outcome(attacked.web.store(file))
    assert result.startswith(("cannot understand", "too large")), result


def test_a_program_in_the_preamble_does_not_come_out_again(attacked):
    image = part10.image(patient_id="polyglot")
    program = b"MZ" + b"\x90" * 58 + struct.pack("<I", 0x80) + b"This program cannot be run in DOS mode".ljust(64)
    content = program[:128] + part10.file_bytes(image)[128:]
    attacked.web.must_store(content)
    came = attacked.web.file_of(image)
    assert came[:132] == bytes(128) + b"DICM"
    assert part10.data_set_bytes(came) == part10.data_set_bytes(content)


# === HTTP ===


def raw_request(installation, head: str, body: bytes) -> bytes:
    """Sends bytes over TLS, closes its side, and returns what came back."""
    address = urlparse(installation.addresses.web)
    context = ssl.create_default_context(cafile=installation.ca_file)
    with socket.create_connection((address.hostname, address.port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(head.encode() + body)
            if not body:
                tls.unwrap()
                return b""
            tls.settimeout(30)
            answer = b""
            while chunk := tls.recv(65536):
                answer += chunk
                if b"\r\n\r\n" in answer:
                    break
            return answer


def test_a_multipart_body_without_an_end_is_told_so_and_what_was_whole_is_kept(attacked):
    whole, cut = part10.image(patient_id="unfinished"), part10.image(patient_id="unfinished")
    part = b"--x\r\nContent-Type: application/dicom\r\n\r\n"
    body = part + part10.file_bytes(whole) + b"\r\n" + part + part10.file_bytes(cut)[:-100]
    answer = attacked.web.store_raw(body, 'multipart/related; type="application/dicom"; boundary=x')
    assert answer.status_code == 400 and "1 complete" in answer.json()["do"], answer.text
    assert part10.parse(attacked.web.file_of(whole)) == whole
    path = instance_path(cut.StudyInstanceUID, cut.SeriesInstanceUID, cut.SOPInstanceUID)
    assert attacked.web.get(path).status_code == 404


def test_a_connection_that_ends_in_the_middle_of_an_object_leaves_nothing(attacked):
    image = part10.image(patient_id="broken-off")
    address = urlparse(attacked.addresses.web)
    context = ssl.create_default_context(cafile=attacked.ca_file)
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=30)
    content = part10.file_bytes(image)
    connection.putrequest("POST", "/dicom-web/studies")
    connection.putheader("Authorization", f"Bearer {attacked.web.token}")
    connection.putheader("Content-Type", "application/dicom")
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders()
    connection.send(content[: len(content) // 2])
    connection.close()
    path = instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    assert attacked.web.get(path).status_code == 404


@pytest.mark.parametrize(
    "content_type, body",
    [
        ("multipart/related; boundary=" + "x" * 100, b"--x--"),
        ("multipart/related", b"--x--"),
        ("multipart/related; boundary=x", b"--x--\r\n"),
        ("multipart/related; boundary=x", b"no delimiter at all"),
        ("multipart/related; boundary=x", b"--x\r\n" + b"A: " + b"b" * 100_000 + b"\r\n\r\n--x--"),
        ("multipart/related; boundary=x", b"p" * 100_000 + b"\r\n--x--"),
    ],
)
def test_a_malformed_multipart_body_is_a_bad_request(attacked, content_type, body):
    assert status_or_cut(lambda: attacked.web.store_raw(body, content_type)) in (400, None)


def status_or_cut(ask) -> int | None:
    """The status of the answer; `None` when the server hung up while the body was still being sent."""
    try:
        return ask().status_code
    except requests.ConnectionError:
        return None


@pytest.mark.parametrize(
    "body, expected",
    [
        (b'{"name":' + b"[" * 20_000 + b"]" * 20_000 + b"}", [400]),
        (b"[" * 60_000, [400]),
        (b'{"name":"' + b"x" * 100_000 + b'"}', [413, None]),
        (b'{"name":"a","name":"b"}', [400]),
        (b'{"name":1e999999}', [400]),
        (b'{"nam', [400]),
        (b'{"name":"x","unknown":1}', [400]),
        (b'{"name":"\\ud800"}', [400]),
        (b'{"name":"../../x y"}', [400]),
    ],
)
def test_a_json_bomb_is_a_bad_request(attacked, body, expected):
    system = attacked.office.system

    def post():
        headers = {"Content-Type": "application/json"}
        return system.session.post(f"{system.web}/api/v1/people", data=body, headers=headers, timeout=30)

    assert status_or_cut(post) in expected


def test_oversized_requests_are_cut_short(attacked):
    web = attacked.web
    assert web.get("/studies?PatientID=" + "x" * 20_000).status_code in (400, 414)
    assert web.get("/studies?" + "&".join(f"{0x00100000 + number:08x}=x" for number in range(200))).status_code == 400
    assert web.session.get(f"{web.base}/studies", headers={"X": "y" * 60_000}, timeout=30).status_code in (400, 431)
    answer = web.session.get(f"{web.base}/studies", headers={f"X-{n}": "y" for n in range(300)}, timeout=30)
    assert answer.status_code in (400, 431)
    studies = ",".join(f"2.25.{number}" for number in range(1000))
    assert web.get(f"/studies?StudyInstanceUID={studies}").status_code in (400, 414)


def test_bytes_that_are_no_http_are_ignored(attacked):
    address = urlparse(attacked.addresses.web)
    for content in (b"\x00" * 4096, b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\x16\x03\x01\xff\xff" + os.urandom(100)):
        with socket.create_connection((address.hostname, address.port), timeout=30) as plain:
            plain.sendall(content)
    for head in ("GET  / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "x" * 100, "A" * 100_000 + "\r\n\r\n"):
        raw_request(attacked, head, b"\r\n")


# === DICOM units ===


def unit(kind: int, length: int, content: bytes) -> bytes:
    return struct.pack(">BBI", kind, 0, length) + content


def associate_rq(calling=b"ATTACKER", called=b"YINGDUN", items=b"") -> bytes:
    body = struct.pack(">HH", 1, 0) + called.ljust(16) + calling.ljust(16) + bytes(32) + items
    return unit(1, len(body), body)


def verification_rq() -> bytes:
    """A whole request for an association, with C-ECHO in Implicit VR Little Endian as its one context."""

    def item(kind: int, content: bytes) -> bytes:
        return struct.pack(">BBH", kind, 0, len(content)) + content

    proposal = item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2")
    return associate_rq(
        items=item(0x10, b"1.2.840.10008.3.1.1.1")
        + item(0x20, b"\x01\0\0\0" + proposal)
        + item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"2.25.1"))
    )


def read_unit(connection: socket.socket) -> bytes:
    """One whole unit, or what came of it before the peer closed."""
    content = b""
    while len(content) < 6 or len(content) < 6 + struct.unpack(">I", content[2:6])[0]:
        chunk = connection.recv(65536)
        if not chunk:
            break
        content += chunk
    return content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01",
        associate_rq()[:40],
        associate_rq(),
        unit(1, 0xFFFFFFFF, b"x" * 1000),
        unit(1, 0, b""),
        unit(4, 100, b"before any association"),
        unit(0x77, 4, b"abcd"),
        associate_rq(items=struct.pack(">BBH", 0x20, 0, 0xFFFF)),
        associate_rq(items=struct.pack(">BBH", 0x10, 0, 21) + b"1.2.840.10008.3.1.1.1" + b"\x20\0\0\x04\x01\0\0\0" * 1000),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        bytes(range(256)) * 100,
    ],
)
def test_units_that_are_none_end_their_connection_and_nothing_else(attacked, content):
    with socket.create_connection(attacked.addresses.dicom_plain, timeout=10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while chunk := connection.recv(4096):
                answer += chunk
        except ConnectionResetError:
            pass
    # An A-ASSOCIATE-RJ, an A-ABORT, or nothing; never an A-ASSOCIATE-AC.
    assert answer[:1] in (b"", b"\x03", b"\x07"), answer[:20]


@pytest.mark.parametrize(
    "content",
    [
        unit(4, 0xFFFFFFF0, b"x" * 100),
        unit(4, 6, struct.pack(">IBB", 0xFFFFFF00, 1, 3)),
        unit(4, 8, struct.pack(">IBB", 4, 99, 3) + b"ab"),
        unit(4, 26, struct.pack(">IBB", 22, 1, 3) + random.Random(7).randbytes(20)),
        unit(4, 30, b"cut off"),
        associate_rq(),
        unit(0x99, 2, b"ab"),
    ],
)
def test_a_broken_unit_inside_of_an_association_aborts_it(attacked, content):
    entity = pynetdicom.AE(ae_title="ATTACKER")
    entity.add_requested_context(Verification)
    association = entity.associate(*attacked.addresses.dicom_plain, ae_title="YINGDUN")
    assert association.is_established
    connection = association.dul.socket.socket
    connection.sendall(content)
    connection.shutdown(socket.SHUT_WR)
    association.join(15)
    assert not association.is_alive() or association.is_aborted
    if association.is_alive():
        association.abort()


def test_an_object_that_breaks_off_in_the_middle_is_not_there(attacked):
    image = part10.image(patient_id="cut", rows=500, columns=500)
    entity = pynetdicom.AE(ae_title="ATTACKER")
    entity.add_requested_context(SecondaryCaptureImageStorage, part10.EXPLICIT_LITTLE_ENDIAN)
    association = entity.associate(*attacked.addresses.dicom_plain, ae_title="YINGDUN")
    assert association.is_established
    connection = association.dul.socket.socket
    sent = []

    class Cut:
        def __getattr__(self, name):
            return getattr(connection, name)

        def send(self, content, *_):
            sent.append(len(content))
            if sum(sent) > 100_000:
                connection.close()
                raise OSError("cut")
            return connection.send(content)

    association.dul.socket.socket = Cut()
    entity.dimse_timeout = association.dimse_timeout = 2
    try:
        association.send_c_store(image)
    except (RuntimeError, ValueError, OSError):
        pass
    association.dul.socket.socket = connection
    path = instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    assert attacked.web.get(path).status_code == 404


def test_one_address_cannot_take_all_associations(attacked):
    """The door's own bytes are read: a client library's threads may miss the answer of a peer that hangs up."""
    request, answers, open_ones = verification_rq(), [], []
    try:
        for _ in range(64):
            connection = socket.create_connection(attacked.addresses.dicom_plain, timeout=10)
            open_ones.append(connection)
            connection.sendall(request)
            answers.append(read_unit(connection))
            if answers[-1][:1] != b"\x02":
                break
        assert len(answers) > 16, "a gateway of a whole site needs that many"
        assert answers[-1] == unit(3, 4, b"\0\x02\x03\x02"), "rejected, transient, presentation provider, local limit"
    finally:
        for connection in open_ones:
            connection.close()


# === large objects ===


def large_object(path, instance: str) -> str:
    """A multi-frame object of `LARGE_OBJECT_BYTES` in a file; the SHA-256 of its data set."""
    element, digest, block = part10.element, hashlib.sha256(), 1 << 20
    frames = max(1, LARGE_OBJECT_BYTES // (block + 8))
    head = element(0x00080016, b"UI", MULTIFRAME.encode()) + element(0x00080018, b"UI", instance.encode())
    head += element(0x00100020, b"LO", b"large") + element(0x0020000D, b"UI", b"2.25.501")
    head += element(0x0020000E, b"UI", b"2.25.502") + element(0x00280008, b"IS", str(frames).encode())
    head += element(0x00280010, b"US", struct.pack("<H", 512)) + element(0x00280011, b"US", struct.pack("<H", 512))
    head += element(0x00280100, b"US", struct.pack("<H", 8))
    head += struct.pack("<HH", 0x7FE0, 0x0010) + b"OB" + struct.pack("<HI", 0, 0xFFFFFFFF)
    head += struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    noise = os.urandom(2 * block)
    with open(path, "wb") as file:
        file.write(part10.raw_file(b"", sop_class=MULTIFRAME, sop_instance=instance, syntax=JPEG_LS))

        def write(content):
            file.write(content)
            digest.update(content)

        write(head)
        for number in range(frames):
            shift = (number * 7919) % block
            write(struct.pack("<HHI", 0xFFFE, 0xE000, block) + noise[shift : shift + block])
        write(struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
    return digest.hexdigest()


def test_sign_ins_leave_no_memory_behind_however_many_there_were(make_installation):
    installation = make_installation("sign-ins")
    officer = installation.office.names["system-administrator"]
    # A new process, whose memory has not been cut up yet.
    installation.restart()
    installation.office.web = installation.addresses.web
    before = installation.resident_bytes_max()
    with concurrent.futures.ThreadPoolExecutor(4) as people:
        list(people.map(lambda _: installation.office.sign_in(officer), range(64)))
    grown = installation.resident_bytes_max() - before
    print(f"64 sign-ins, four at a time: {grown / 1e6:.0f} MB more")
    assert grown < RESIDENT_BYTES_OF_PASSWORDS_MAX


@pytest.mark.parametrize("door", ["stow-rs", "c-store"])
def test_a_large_multi_frame_object_goes_through_in_little_memory_and_out_to_eight_at_once(make_installation, tmp_path, door, monkeypatch):
    # pynetdicom sends the file in pieces and never holds it whole.
    monkeypatch.setattr(pynetdicom._config, "STORE_SEND_CHUNKED_DATASET", True)
    installation = make_installation(f"large-{door}")
    installation.office.device("LARGE", plain_allowed=True)
    web = Web(installation, installation.office.client_token("large", "store", "view"))
    path, instance = tmp_path / "large.dcm", "2.25.503"
    digest = large_object(path, instance)
    frames = (path.stat().st_size - 2000) // ((1 << 20) + 8)
    if door == "stow-rs":
        with open(path, "rb") as file:
            answer = web.store_raw(file, "application/dicom")
        assert outcome(answer) == "stored", answer.text
    else:
        assert c_store_file(installation, path) == 0
    address = instance_path("2.25.501", "2.25.502", instance)
    came = hashlib.sha256()
    with web.get(address, "application/dicom; transfer-syntax=*", stream=True) as answer:
        assert answer.status_code == 200
        first = b""
        for chunk in answer.iter_content(1 << 20):
            if len(first) < 4096:
                first += chunk
                if len(first) >= 4096:
                    came.update(part10.data_set_bytes(first))
            else:
                came.update(chunk)
    assert came.hexdigest() == digest
    answer = web.get(f"{address}/frames/{frames}", 'multipart/related; type="image/jls"; transfer-syntax=*')
    assert answer.status_code == 200 and len(answer.content) > 1 << 20
    used = installation.resident_bytes_max()
    print(f"{door}: {path.stat().st_size / 1e6:.0f} MB, {used / 1e6:.0f} MB resident at most")
    path.unlink()
    assert used < RESIDENT_BYTES_MAX
    installation.forget_resident_peak()
    before = installation.resident_bytes_max()
    pull_at_once(web, address, clients=8)
    grown = installation.resident_bytes_max() - before
    print(f"{door}: eight clients at once, {grown / 1e6:.0f} MB more")
    assert grown < 8 * RESIDENT_BYTES_OF_A_CLIENT_MAX
    assert installation.stop() == 0


def pull_at_once(web, address, clients):
    """Has clients pull one object in step: all of their answers are under way as long as one is."""
    syntax = "application/dicom; transfer-syntax=*"
    with contextlib.ExitStack() as stack:
        answers = [stack.enter_context(web.get(address, syntax, stream=True)) for _ in range(clients)]
        assert {answer.status_code for answer in answers} == {200}
        pulled = [answer.iter_content(1 << 20) for answer in answers]
        for _ in range(min(32, LARGE_OBJECT_BYTES >> 20)):
            assert len({len(next(content)) for content in pulled}) == 1


def c_store_file(installation, path) -> int:
    """The status of one C-STORE with the bytes of a file."""
    entity = pynetdicom.AE(ae_title="LARGE")
    entity.add_requested_context(MULTIFRAME, JPEG_LS)
    entity.dimse_timeout = entity.network_timeout = 600
    association = entity.associate(*installation.addresses.dicom_plain, ae_title="YINGDUN", max_pdu=0)
    assert association.is_established
    try:
        return association.send_c_store(path).Status
    finally:
        association.release()
