"""Our own tools and Orthanc against this archive, with the same files."""

from yingdun_testkit import part10, program
from yingdun_testkit.orthanc import Orthanc
from yingdun_testkit.workstation import study_of


def test_our_own_find_get_and_move(archive, images, storescp, tmp_path):
    identity = archive.issue_certificate("OURS")
    archive.office.device("OURS", certificate_sha256=identity["sha256"])
    archive.office.grant_device("OURS", "view")
    host, port = archive.addresses.dicom_tls
    calling = [
        f"YINGDUN@{host}:{port}", "--calling", "OURS", "--ca-file", archive.ca_file,
        "--certificate-file", identity["certificate_file"], "--private-key-file", identity["private_key_file"],
    ]
    found = program.run_json("find", *calling, "-k", "PatientName=张*", "-k", "PatientID=qr-*", "-k", "StudyInstanceUID")
    assert found["status"] == 0
    assert {row["0020000D"]["Value"][0] for row in found["rows"]} == {study_of(images, 0), study_of(images, 1)}
    assert found["rows"][0]["00100010"]["Value"][0]["Ideographic"] == "张^伟"
    study = ["-k", f"StudyInstanceUID={study_of(images, 0)}"]
    fetched = program.run_json("get", *calling, *study, "--directory", tmp_path / "got")
    assert (fetched["status"], fetched["completed"], fetched["failed"]) == (0, 4, 0)
    for image in images[:4]:
        file = (tmp_path / "got" / f"{image.SOPInstanceUID}.dcm").read_bytes()
        assert part10.data_set_bytes(file) == part10.data_set_bytes(part10.file_bytes(image))
    sent = program.run_json("move", *calling, *study, "--to", "SCP01")
    assert (sent["status"], sent["completed"]) == (0, 4)
    wrong = program.run_json("move", *calling, *study, "--to", "STRANGER", code=1)
    assert wrong["status"] == 0xA801
    wrong = program.run("find", *calling, "-k", "NoSuchAttribute=1")
    assert wrong.returncode == 2 and "NoSuchAttribute" in wrong.stderr


# === Orthanc ===


def test_orthanc_asks_fetches_and_takes_over_tls(archive, images, tmp_path):
    identity = archive.issue_certificate("ORTHANCQR", "localhost", "127.0.0.1")
    host, port = archive.addresses.dicom_tls
    settings = {
        "DicomAet": "ORTHANCQR",
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": identity["certificate_file"],
        "DicomTlsPrivateKey": identity["private_key_file"],
        "DicomTlsTrustedCertificates": str(archive.ca_file),
        "DicomModalities": {"yingdun": {"AET": "YINGDUN", "Host": host, "Port": port, "UseDicomTls": True}},
    }
    orthanc = Orthanc(tmp_path, settings)
    try:
        archive.office.device(
            "ORTHANCQR", certificate_sha256=identity["sha256"], destination=f"localhost:{orthanc.dicom}"
        )
        archive.office.grant_device("ORTHANCQR", "view")
        query = {"Level": "Study", "Query": {"PatientID": "qr-1", "StudyDescription": ""}}
        asked = orthanc.ask("POST", "/modalities/yingdun/query", json=query)
        assert asked.ok, orthanc.log_path.read_text()[-2000:]
        path = f"/queries/{asked.json()['ID']}"
        assert len(orthanc.ask("GET", f"{path}/answers").json()) == 2
        content = orthanc.ask("GET", f"{path}/answers/0/content?simplify").json()
        assert content["StudyDescription"] == "query and retrieve"
        fetched = orthanc.ask("POST", f"{path}/retrieve", json={"TargetAet": "ORTHANCQR", "Synchronous": True})
        assert fetched.ok, orthanc.log_path.read_text()[-3000:]
        assert len(orthanc.ask("GET", "/instances").json()) == 8
    finally:
        orthanc.stop()
