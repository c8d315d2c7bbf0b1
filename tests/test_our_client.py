"""The client's verbs against servers of others: Orthanc in plain and over TLS, and DCMTK's `dcmqrscp`.

Each peer gets objects by C-STORE, is asked with C-FIND, gives them back with C-GET, and sends them to this archive with
C-MOVE.
"""

import shutil
import subprocess

import pytest
from pydicom.uid import generate_uid

from yingdun_testkit import part10, program
from yingdun_testkit.dcmtk import dcmqrscp
from yingdun_testkit.orthanc import Orthanc


class Server:
    """A peer with how it is called, and a device of this archive by the same title."""

    def __init__(self, archive, title, port, *calling):
        self.archive, self.title, self.port = archive, title, port
        self.calling = [f"{title}@localhost:{port}", "--calling", "OURSCU", *calling]

    def run(self, verb, *arguments, code=0):
        return program.run_json(verb, *self.calling, *arguments, code=code)


@pytest.fixture(scope="module", params=["orthanc-plain", "orthanc-tls", "dcmqrscp"])
def server(request, archive, tmp_path_factory):
    kind = request.param
    folder = tmp_path_factory.mktemp(kind)
    title = kind.replace("-", "").upper()
    host, port = archive.addresses.dicom_tls if kind == "orthanc-tls" else archive.addresses.dicom_plain
    if kind == "dcmqrscp":
        archive.office.device(title, plain_allowed=True)
        with dcmqrscp(folder, title=title, hosts=[("YINGDUN", host, port)]) as theirs:
            yield Server(archive, title, theirs.port)
        return
    tls = kind == "orthanc-tls"
    target = {"AET": "YINGDUN", "Host": host, "Port": port, "UseDicomTls": tls}
    settings = {"DicomAet": title, "DicomModalities": {"yingdun": target}}
    settings |= {f"DicomAlwaysAllow{verb}": True for verb in ("Echo", "Store", "Find", "Get", "Move")}
    calling = []
    if tls:
        theirs, ours = archive.issue_certificate(title, "localhost", "127.0.0.1"), archive.issue_certificate("OURSCU")
        archive.office.device(title, certificate_sha256=theirs["sha256"])
        settings |= {
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": theirs["certificate_file"],
            "DicomTlsPrivateKey": theirs["private_key_file"],
            "DicomTlsTrustedCertificates": str(archive.ca_file),
        }
        calling = [
            "--ca-file", archive.ca_file, "--certificate-file", ours["certificate_file"],
            "--private-key-file", ours["private_key_file"],
        ]
    else:
        archive.office.device(title, plain_allowed=True)
    orthanc = Orthanc(folder, settings)
    yield Server(archive, title, orthanc.dicom, *calling)
    orthanc.stop()


def test_what_we_store_elsewhere_is_found_got_and_moved_home(server, gateway, tmp_path):
    study, series = generate_uid(), generate_uid()
    images = [
        part10.image(
            patient_id=f"{server.title}-1", patient_name="Wang^Wei=王^伟", study=study, series=series, seed=seed,
            InstanceNumber=seed, AccessionNumber="", StudyID="", SeriesNumber=1, PatientSex="", PatientBirthDate="",
        )
        for seed in range(1, 4)
    ]
    for image in images:
        (tmp_path / f"{image.SOPInstanceUID}.dcm").write_bytes(part10.file_bytes(image))
    assert server.run("echo")["status"] == 0
    sent = server.run("store", tmp_path)
    assert (sent["stored"], sent["failed"]) == (3, [])

    keys = ["-k", f"StudyInstanceUID={study}"]
    found = server.run("find", *keys, "-k", "PatientID", "-k", "PatientName")
    assert [row["00100020"]["Value"] for row in found["rows"]] == [[f"{server.title}-1"]]
    got = server.run("get", *keys, "--directory", tmp_path / "got")
    assert (got["status"], got["completed"], got["failed"]) == (0, 3, 0)
    for image in images:
        came = part10.parse((tmp_path / "got" / f"{image.SOPInstanceUID}.dcm").read_bytes())
        assert came.PixelData == image.PixelData and came.PatientName == image.PatientName

    moved = server.run("move", *keys, "--to", "YINGDUN")
    assert (moved["status"], moved["failed"]) == (0, 0)
    for image in images:
        assert part10.parse(gateway.file_of(image)).PixelData == image.PixelData
    assert server.run("move", *keys, "--to", "NOWHERE", code=1)["status"] != 0


def test_termscu_ends_nothing_here(archive, gateway):
    """DCMTK's private shutdown class is none of ours: refused in the negotiation, and the server goes on. In plain: the termscu of
    DCMTK 3.6.7 knows no TLS."""
    archive.office.device("TERMSCU", plain_allowed=True)
    tool = shutil.which("termscu")
    assert tool, "termscu is missing: script/bootstrap test installs DCMTK"
    host, port = archive.addresses.dicom_plain
    command = [tool, "-v", "-aet", "TERMSCU", "-aec", "YINGDUN", host, str(port)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    assert "No Acceptable Presentation Contexts" in done.stdout, done.stdout
    assert gateway.search("/studies", limit=1) is not None
    assert archive.process.poll() is None
