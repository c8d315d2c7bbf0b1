"""A device that calls before anybody knows it waits to be registered: what is told of it, to whom, how much of that is kept, and what approving it
does. The devices are DCMTK's, and pynetdicom's where a call has to come from another address or has to be malformed."""

import datetime
import re
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pynetdicom import AE
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from yingdun_testkit import program
from yingdun_testkit.dcmtk import Peer
from yingdun_testkit.installation import wait_until

VERIFICATION = "1.2.840.10008.1.1"


class Door:
    """An archive of a test's own, as its system administrator sees it."""

    def __init__(self, installation):
        self.installation, self.office = installation, installation.office

    @property
    def tls(self):
        return self.installation.addresses.dicom_tls

    @property
    def plain(self):
        return self.installation.addresses.dicom_plain

    def device(self, title, identity=None, called="YINGDUN") -> Peer:
        identity = identity or self.installation.issue_certificate(title)
        return Peer(title, called=called, identity=identity, ca_file=str(self.installation.ca_file))

    def waiting(self, **conditions) -> list:
        """The rows that fit."""
        rows = self.office.system.get("/waiting-devices", {"dismissed": "true"})["waiting"]
        return [row for row in rows if all(row[name] == value for name, value in conditions.items())]

    def only(self, **conditions) -> dict:
        """The one that fits, which is written within a second or two."""
        found = wait_until(lambda: self.waiting(**conditions), f"somebody waits: {conditions}")
        assert len(found) == 1, found
        return found[0]

    def approve(self, row, status=201, **facts):
        return self.office.system.post(f"/waiting-devices/{row['attempt']}", facts, status)

    def call_from(self, address, title, called="YINGDUN", identity=None) -> bool:
        """Calls the plain door from an address of this machine. Whether it was let in."""
        entity = AE(ae_title=title)
        entity.add_requested_context(VERIFICATION)
        host, port = self.plain
        extended = [identity] if identity else []
        association = entity.associate(host, port, ae_title=called, bind_address=(address, 0), ext_neg=extended)
        let_in = association.is_established
        if let_in:
            association.release()
        return let_in


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def door(request, make_installation):
    databases = {}
    if request.param == "postgres":
        databases = request.getfixturevalue("postgres_cluster").databases_of_an_installation()
    return Door(make_installation(f"waiting-{request.param}", databases=databases))


def refused(done) -> bool:
    return "Association Rejected" in done.stdout


def accepted(done) -> bool:
    return "Association Accepted" in done.stdout and "Received Echo Response" in done.stdout


def test_a_device_that_called_in_vain_is_approved_with_what_was_seen_and_let_in(door):
    device = door.device("CT02")
    assert refused(device.echo(door.tls)) and refused(device.echo(door.tls))
    row = door.only(calling_ae="CT02")
    certificate = row["certificate"]
    assert (row["cause"], row["approvable"], row["known"]) == ("unknown-calling-ae", True, False)
    assert (row["called_ae"], row["address"], row["tls"]) == ("YINGDUN", "127.0.0.1", True)
    assert wait_until(lambda: door.only(calling_ae="CT02")["attempts"] == 2, "both are counted")
    assert certificate["sha256"] == device.identity["sha256"] and certificate["trusted"] is True
    assert "CT02" in certificate["subject"] and certificate["issuer"]
    assert certificate["valid_until_ms"] > row["last_ms"] >= row["first_ms"]

    record = door.approve(row)
    assert record == {
        "ae_title": "CT02", "called_ae": "YINGDUN", "certificate_sha256": device.identity["sha256"],
        "addresses": ["127.0.0.1/32"], "plain_allowed": False,
    }
    assert accepted(device.echo(door.tls))
    assert door.waiting(calling_ae="CT02") == []
    registered = [one for one in door.office.system.get("/devices") if one["ae_title"] == "CT02"]
    assert registered[0]["scopes"] == ["store"], "who registers gives no rights"
    # Nobody else is let in by that.
    assert refused(door.device("CT02", identity=door.installation.issue_certificate("THIEF")).echo(door.tls))
    leaves = door.office.leaves(kind="administration")
    outcomes = [leaf["outcome"] for leaf in leaves if leaf["reason"] == "approve-device"]
    assert outcomes == ["succeeded", "permitted"]


def test_the_command_line_lists_approves_and_dismisses(door, tmp_path):
    options = program.signed_in(door.installation, tmp_path, door.office.names["system-administrator"])
    device = door.device("CT03")
    assert refused(device.echo(door.tls))
    row = door.only(calling_ae="CT03")
    listed = program.run_json("device", "waiting", *options)
    assert row["attempt"] in [one["attempt"] for one in listed]
    text = program.run("device", "waiting", *options).stdout
    assert "calling_ae=CT03" in text and device.identity["sha256"] in text

    program.run_json("device", "dismiss", row["attempt"], "--days", 3, *options)
    assert row["attempt"] not in [one["attempt"] for one in program.run_json("device", "waiting", *options)]
    dismissed = program.run_json("device", "waiting", "--dismissed", *options)
    dismissed = next(one for one in dismissed if one["attempt"] == row["attempt"])
    assert dismissed["dismissed_by"] == door.office.names["system-administrator"]
    days = (dismissed["dismissed_until_ms"] - dismissed["last_ms"]) / 86_400_000
    assert 2.9 < days < 3.1
    program.run_json("device", "dismiss", row["attempt"], "--undo", *options)
    assert row["attempt"] in [one["attempt"] for one in program.run_json("device", "waiting", *options)]

    program.run_json("device", "approve", row["attempt"], "--address", "127.0.0.0/8", *options)
    assert accepted(device.echo(door.tls))
    assert program.run("device", "approve", row["attempt"], *options).returncode != 0, "it waits no longer"
    reasons = {leaf["reason"] for leaf in door.office.leaves(kind="administration")}
    assert {"dismiss-device", "restore-device", "approve-device"} <= reasons


def test_each_way_to_fail_before_an_association_is_told_and_cannot_be_approved(door, tmp_path):
    ca = str(door.installation.ca_file)
    stranger = self_signed(tmp_path, "MR-VENDOR")
    Peer("STRANGER", identity=stranger, ca_file=ca).echo(door.tls)
    row = door.only(cause="certificate-authority-unknown")
    assert (row["calling_ae"], row["called_ae"], row["tls"], row["approvable"]) == (None, None, True, False)
    assert row["certificate"]["sha256"] == stranger["sha256"]
    assert row["certificate"]["trusted"] is False and "MR-VENDOR" in row["certificate"]["subject"]
    door.approve(row, 409)
    for call, cause in [
        (lambda: Peer("NOCERT", ca_file=ca).echo(door.tls), "no-certificate"),
        (lambda: Peer("PLAIN").echo(door.tls), "tls-not-spoken"),
        (lambda: distrusts_us(door.tls), "our-certificate-refused"),
    ]:
        # What looks the same is one row: it says what was the matter last.
        before = sum(row["attempts"] for row in door.waiting(calling_ae=None, certificate=None, tls=True))
        call()
        row = door.only(calling_ae=None, certificate=None, tls=True, cause=cause)
        assert row["attempts"] == before + 1 and row["remedy"]
        door.approve(row, 409)


def test_whoever_only_connects_leaves_nothing(door):
    before = len(door.waiting())
    for address in (door.tls, door.plain):
        with socket.create_connection(address):
            pass
    assert refused(door.device("MARK1").echo(door.tls))
    door.only(calling_ae="MARK1")
    assert len(door.waiting()) == before + 1


def test_what_a_record_says_otherwise_is_told_and_is_mended_in_the_record(door):
    device = door.device("CT04")
    other = door.device("CT04", identity=door.installation.issue_certificate("CT04-renewed"))
    door.office.device("CT04", certificate_sha256=device.identity["sha256"], addresses=["127.0.0.1"])
    assert accepted(device.echo(door.tls)) and refused(other.echo(door.tls))
    row = door.only(calling_ae="CT04")
    assert (row["cause"], row["known"], row["approvable"]) == ("wrong-certificate", True, False)
    door.approve(row, 409)
    assert refused(other.echo(door.tls))
    record = next(one for one in door.office.system.get("/devices") if one["ae_title"] == "CT04")
    del record["scopes"]
    door.office.system.put("/devices/CT04", record | {"certificate_sha256": row["certificate"]["sha256"]}, 204)
    assert door.waiting(calling_ae="CT04", cause="wrong-certificate") == [], "it fits now"
    assert accepted(other.echo(door.tls))


def test_a_known_title_is_not_taken_by_way_of_another_called_title(door):
    """An insider has a certificate of this house, and the title of the CT is no secret."""
    device = door.device("CT15")
    door.office.device("CT15", certificate_sha256=device.identity["sha256"], addresses=["127.0.0.1"])
    assert accepted(device.echo(door.tls))
    thief = door.device("CT15", identity=door.installation.issue_certificate("INSIDER"), called="SPARE")
    assert refused(thief.echo(door.tls))
    row = door.only(calling_ae="CT15", called_ae="SPARE")
    assert (row["cause"], row["known"], row["approvable"]) == ("unknown-called-ae", True, False)
    door.approve(row, 409)
    assert refused(Peer("CT15", called="SPARE").echo(door.plain))
    row = door.only(calling_ae="CT15", called_ae="SPARE", tls=False)
    assert row["approvable"] is False
    door.approve(row, 409, plain_allowed=True)
    assert refused(thief.echo(door.tls)) and refused(Peer("CT15", called="SPARE").echo(door.plain))
    # The CT itself may have another title for us.
    moved = door.device("CT15", identity=device.identity, called="SPARE")
    assert refused(moved.echo(door.tls))
    door.approve(door.only(calling_ae="CT15", called_ae="SPARE", approvable=True))
    assert accepted(moved.echo(door.tls)) and refused(thief.echo(door.tls))


def test_a_device_without_tls_is_approved_only_in_so_many_words(door):
    assert refused(Peer("XR07").echo(door.plain))
    row = door.only(calling_ae="XR07")
    assert (row["tls"], row["certificate"]) == (False, None)
    door.approve(row, 422)
    door.approve(row, 422, plain_allowed=False)
    assert refused(Peer("XR07").echo(door.plain))
    door.approve(row, plain_allowed=True)
    assert accepted(Peer("XR07").echo(door.plain))
    assert not door.call_from("127.0.0.9", "XR07"), "from where it called, and from nowhere else"
    assert door.only(calling_ae="XR07", address="127.0.0.9")["cause"] == "wrong-address"


def test_who_is_behind_a_device_is_no_part_of_it_and_titles_of_strangers_are_only_text(door):
    identity = UserIdentityNegotiation()
    identity.user_identity_type = 2
    identity.primary_field, identity.secondary_field = b"zhang-san-4711", b"a secret of somebody"
    assert not door.call_from("127.0.0.1", "US01", identity=identity)
    row = door.only(calling_ae="US01")
    assert "zhang" not in str(row) and "secret" not in str(row)
    title = "<b>&'$(id)%0A;--"
    assert not door.call_from("127.0.0.1", title)
    assert door.only(calling_ae=title)["calling_ae"] == title
    # What is no title at all never gets so far as to be one.
    malformed_title(door.plain, b"CT\r\nWARN forged ")
    row = door.only(cause="title-malformed")
    assert (row["calling_ae"], row["approvable"]) == (None, False)
    log = door.installation.log_text()
    assert "zhang-san" not in log and "a secret" not in log
    assert not re.search(r"^WARN forged", log, flags=re.M)


def test_made_up_titles_of_one_address_push_out_nothing_that_others_left(door):
    assert not door.call_from("127.0.0.3", "HONEST1")
    assert refused(door.device("HONEST2").echo(door.tls))
    door.only(calling_ae="HONEST1"), door.only(calling_ae="HONEST2")
    for number in range(60):
        assert not door.call_from("127.0.0.66", f"MADEUP{number}")
    last = door.only(calling_ae="MADEUP59")
    assert last["attempts"] == 1, "who called last is seen"
    flood = door.waiting(address="127.0.0.66")
    assert len(flood) == 8, [row["calling_ae"] for row in flood]
    assert {"MADEUP0", "MADEUP1"} <= {row["calling_ae"] for row in flood}, "what was there first stays"
    door.only(calling_ae="HONEST1"), door.only(calling_ae="HONEST2")


def test_a_restart_and_a_crash_forget_nobody(door):
    assert refused(door.device("CT05").echo(door.tls))
    before = door.only(calling_ae="CT05")
    door.installation.kill()
    door.installation.start()
    door.office.sign_in_officers()
    assert door.only(calling_ae="CT05") == before
    # What was noted a moment before an orderly stop is written by it.
    assert refused(door.device("CT06").echo(door.tls))
    door.installation.restart()
    door.office.sign_in_officers()
    assert door.only(calling_ae="CT06")["attempts"] == 1


# === helpers ===


def self_signed(folder, name) -> dict:
    """A certificate that its holder made, as `certificate issue` returns one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30)).sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "stranger.pem", folder / "stranger.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {
        "certificate_file": str(certificate_file), "private_key_file": str(key_file),
        "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
    }


def distrusts_us(address):
    """A caller that does not know our authority."""
    context = ssl.create_default_context()
    context.check_hostname = False
    with socket.create_connection(address, timeout=20) as connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection)


def malformed_title(address, title):
    """An A-ASSOCIATE-RQ whose calling title is none."""
    def item(kind, content):
        return bytes([kind, 0]) + len(content).to_bytes(2, "big") + content

    application = item(0x10, b"1.2.840.10008.3.1.1.1")
    syntaxes = item(0x30, VERIFICATION.encode()) + item(0x40, b"1.2.840.10008.1.2")
    context = item(0x20, bytes([1, 0, 0, 0]) + syntaxes)
    user = item(0x50, item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.3"))
    fields = (1).to_bytes(2, "big") + bytes(2) + b"YINGDUN".ljust(16) + title.ljust(16)[:16] + bytes(32)
    body = fields + application + context + user
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(bytes([1, 0]) + len(body).to_bytes(4, "big") + body)
        assert connection.recv(1) == b"\x03", "rejected"
