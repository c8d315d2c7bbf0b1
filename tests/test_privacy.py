"""Nothing on disk and nothing in the log tells who the patients are."""

import pynetdicom
import pytest
from pynetdicom.sop_class import SecondaryCaptureImageStorage

from yingdun_testkit import part10, program
from yingdun_testkit.administration import PASSWORD
from yingdun_testkit.web import Web

LATIN = "Privatissima^Gertrude"
CHINESE = "欧阳上官^光明正大"

#: What would give a patient away, each in every encoding that DICOM files here use.
SECRETS = [
    "Privatissima", "Gertrude", "欧阳上官", "光明正大", "PID-7719-3355", "ACC-9918-7731", "Doctissimus", "19131024",
    "Gallstones of a famous person", "remark about the person", "Rathausgasse 17", "+86 139 0013 9000", "STUDYID-5519",
]


#: Among the megabytes of ciphertext that are searched, four given bytes in a row stand by chance now and then; eight do not.
NEEDLE_BYTES_MIN = 8


def needles() -> list:
    found = {secret.encode("utf-8") for secret in SECRETS}
    found |= {secret.encode("gb18030") for secret in SECRETS}
    found |= {secret.encode("utf-16-le") for secret in SECRETS}
    found |= {secret.lower().encode("utf-8") for secret in SECRETS} | {secret.upper().encode("utf-8") for secret in SECRETS}
    assert min(map(len, found)) >= NEEDLE_BYTES_MIN
    return sorted(found)


def found_in(content: bytes) -> list:
    return [needle for needle in needles() if needle in content]


def image(name: str, charset: str, **attributes):
    return part10.image(
        patient_name=name, charset=charset, patient_id="PID-7719-3355", PatientBirthDate="19131024",
        AccessionNumber="ACC-9918-7731", ReferringPhysicianName="Doctissimus", StudyID="STUDYID-5519",
        StudyDescription="Gallstones of a famous person", PatientComments="remark about the person",
        PatientAddress="Rathausgasse 17", PatientTelephoneNumbers="+86 139 0013 9000", **attributes,
    )


def live(installation) -> list:
    """Does with patients what an archive does, refusals and failures included."""
    office = installation.office
    office.device("MOD", plain_allowed=True)
    web = Web(installation, office.client_token("gateway", "store", "search", "view"))
    images = [image(LATIN, "ISO_IR 100"), image(CHINESE, "GB18030"), image(CHINESE, "ISO_IR 192", rows=2200, columns=2200)]
    web.must_store(*map(part10.file_bytes, images))
    entity = pynetdicom.AE(ae_title="MOD")
    entity.add_requested_context(SecondaryCaptureImageStorage, part10.EXPLICIT_LITTLE_ENDIAN)
    association = entity.associate(*installation.addresses.dicom_plain, ae_title="YINGDUN")
    nameless = image(LATIN, "ISO_IR 100")
    del nameless.StudyInstanceUID
    assert association.send_c_store(image(LATIN, "ISO_IR 100")).Status == 0
    assert association.send_c_store(nameless).Status != 0
    association.release()
    assert web.store(part10.file_bytes(nameless)).status_code == 409
    assert web.store(part10.file_bytes(images[0])[:-40]).status_code == 409, "a truncated one"
    for keys in ({"PatientName": LATIN}, {"PatientName": "欧阳*"}, {"PatientID": "PID-7719-3355"},
                 {"AccessionNumber": "ACC-9918-7731"}, {"PatientBirthDate": "19131024", "PatientID": "PID-7719-3355"}):
        assert web.search("/studies", **keys)
    assert web.get("/studies", params={"PatientNmae": LATIN}).status_code == 400
    name = office.person("dr-privacy", "clinician")
    office.care(name, "PID-7719-3355")
    mine = Web(installation, office.sign_in(name))
    for one in images:
        assert mine.get(f"/studies/{one.StudyInstanceUID}/metadata").status_code == 200
        assert part10.parse(mine.file_of(one)) == one
    office.end_care(name, "PID-7719-3355")
    office.try_sign_in(name, "wrong-password-8812")
    return [web.token, mine.token]


def test_the_search_for_a_name_would_find_it():
    for charset, name in (("ISO_IR 100", LATIN), ("GB18030", CHINESE), ("ISO_IR 192", CHINESE)):
        assert found_in(part10.file_bytes(image(name, charset)))


@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_file_of_an_installation_and_no_line_of_its_log_names_a_patient(make_installation, level):
    installation = make_installation(f"private-{level}", settings={"LOG__LEVEL": level})
    tokens = live(installation)
    metrics = str(installation.office.metrics())
    for moment in ("running", "stopped"):
        looked_at = 0
        for path in installation.files():
            content = path.read_bytes()
            looked_at += len(content)
            assert not found_in(content), f"{path} while {moment}: {found_in(content)}"
        assert looked_at > 1_000_000
        if moment == "running":
            installation.stop()
    log = installation.log_path.read_bytes()
    assert log.count(b"\n") > 20
    assert not found_in(log), [line for line in log.splitlines() if found_in(line)][:3]
    assert not found_in(metrics.encode())
    for secret in (PASSWORD, "wrong-password-8812", *tokens):
        assert secret.encode() not in log, "a credential is in the log"
        for path in installation.files():
            assert secret.encode() not in path.read_bytes(), f"a credential is in {path}"


def test_no_table_of_postgresql_names_a_patient(make_installation, postgres_cluster):
    databases = postgres_cluster.databases_of_an_installation()
    installation = make_installation("private-postgres", databases=databases)
    live(installation)
    for url in databases.values():
        dump = postgres_cluster.dump(url)
        assert b"CREATE TABLE" in dump
        # Bytes are dumped in hexadecimal.
        assert not found_in(dump)
        assert not [needle for needle in needles() if needle.hex().encode() in dump]
    installation.stop()
    assert not found_in(installation.log_path.read_bytes())


def test_secret_files_are_for_their_owner_only(make_installation):
    installation = make_installation("private-modes", serve=False)
    open_to_others = []
    for path in installation.files():
        secret = path.suffix in (".key", ".db") or path.name in ("passphrase", "yingdun.toml")
        if secret and path.stat().st_mode & 0o077:
            open_to_others.append((path.name, oct(path.stat().st_mode)))
    assert not open_to_others
    again = program.run("init", "--directory", installation.directory)
    assert again.returncode == 1 and "never overwritten" in again.stderr
