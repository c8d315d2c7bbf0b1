"""C-FIND, C-GET and C-MOVE as other programs ask them: DCMTK, pynetdicom and Orthanc, over TLS and in plain.

The same queries are put to DCMTK's `dcmqrscp` with the same files. Where the answers differ, the paragraph of the
standard that decides stands in `DIFFERENCES`.
"""

import shutil
import socket
import ssl
import subprocess
import threading
import time

import pydicom
import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless, RLELossless
from pynetdicom import build_role, evt
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from yingdun_testkit import part10, program
from yingdun_testkit.administration import PASSWORD
from yingdun_testkit.dcmtk import Peer
from yingdun_testkit.installation import wait_until
from yingdun_testkit.orthanc import Orthanc, free_port

FIND = StudyRootQueryRetrieveInformationModelFind
GET = StudyRootQueryRetrieveInformationModelGet
MOVE = StudyRootQueryRetrieveInformationModelMove

#: Zhang^Wei in the character sets in which Chinese equipment asks, and the bytes of the name there.
CHINESE = [
    ("ISO_IR 192", "Zhang^Wei=张^伟=".encode()),
    ("GB18030", "Zhang^Wei=张^伟=".encode("gb18030")),
    ("GBK", "Zhang^Wei=张^伟=".encode("gbk")),
    # PS3.5 annex K: announced anew in every component.
    ("\\ISO 2022 IR 58", b"Zhang^Wei=\x1b$)A\xd5\xc5^\x1b$)A\xce\xb0="),
]


@pytest.fixture(scope="module")
def images(archive, gateway):
    """Two studies of one patient with two series each, and one of another patient."""
    made = []
    for number, (name, patient) in enumerate(
        [("Zhang^Wei=张^伟=", "qr-1"), ("Zhang^Wei=张^伟=", "qr-1"), ("Li^Na=李^娜=", "qr-2")]
    ):
        study = None
        for series_number in (1, 2):
            series = None
            for instance_number in (1, 2):
                image = part10.image(
                    patient_name=name, patient_id=patient, study=study, series=series, seed=len(made),
                    InstanceNumber=instance_number, SeriesNumber=series_number, Modality="OT",
                    StudyDate=f"2026010{number + 1}", StudyTime="120000", AccessionNumber=f"QR{number}",
                    StudyID=f"{number}", StudyDescription="query and retrieve", PatientSex="F",
                    PatientBirthDate="19800101", SeriesDescription=f"series {series_number}",
                )
                study, series = image.StudyInstanceUID, image.SeriesInstanceUID
                made.append(image)
    for image in made:
        gateway.must_store(part10.file_bytes(image))
    return made


@pytest.fixture(scope="module")
def workstation(archive):
    """A device that may search and view, over TLS."""
    identity = archive.issue_certificate("WS01")
    archive.office.device("WS01", certificate_sha256=identity["sha256"])
    archive.office.grant_device("WS01", "view")
    return Peer("WS01", identity=identity, ca_file=archive.ca_file)


@pytest.fixture(scope="module")
def plain_workstation(archive):
    """The same in plain, where the record spells that out."""
    archive.office.device("WSPLAIN", plain_allowed=True)
    archive.office.grant_device("WSPLAIN", "view")
    return Peer("WSPLAIN")


class Entity:
    """pynetdicom as a device of an archive."""

    def __init__(self, archive, title, identity=None):
        self.archive, self.title, self.identity = archive, title, identity

    def associate(self, *contexts, roles=(), handlers=()):
        entity = pynetdicom.AE(ae_title=self.title)
        for context in contexts:
            entity.add_requested_context(*context) if isinstance(context, tuple) else entity.add_requested_context(context)
        tls = None
        if self.identity:
            context = ssl.create_default_context(cafile=self.archive.ca_file)
            context.load_cert_chain(self.identity["certificate_file"], self.identity["private_key_file"])
            tls = (context, "localhost")
        addresses = self.archive.addresses
        host, port = addresses.dicom_tls if self.identity else addresses.dicom_plain
        association = entity.associate(
            host, port, ae_title="YINGDUN", tls_args=tls, ext_neg=list(roles), evt_handlers=list(handlers)
        )
        assert association.is_established
        return association

    def find(self, model=FIND, **keys):
        """Every response: its status and its identifier."""
        association = self.associate(model)
        try:
            return [(status.Status, found) for status, found in association.send_c_find(identifier(**keys), model)]
        finally:
            association.release()


@pytest.fixture(scope="module")
def entity(archive, workstation):
    return Entity(archive, "WS01", workstation.identity)


def identifier(charset=None, **keys) -> Dataset:
    asked = Dataset()
    if charset:
        asked.SpecificCharacterSet = charset.split("\\") if "\\" in charset else charset
    for name, value in keys.items():
        setattr(asked, name, value)
    return asked


def study_of(images, number):
    return images[4 * number].StudyInstanceUID


# === C-FIND ===


@pytest.mark.parametrize("transport", ["tls", "plain"])
def test_findscu_finds_studies_over_tls_and_in_plain(archive, images, workstation, plain_workstation, tmp_path, transport):
    peer = workstation if transport == "tls" else plain_workstation
    address = archive.addresses.dicom_tls if transport == "tls" else archive.addresses.dicom_plain
    done, found = peer.find(
        address, "-S", tmp_path, "QueryRetrieveLevel=STUDY", "PatientID=qr-1", "StudyInstanceUID", "PatientName",
        "StudyDate", "NumberOfStudyRelatedInstances", "ModalitiesInStudy",
    )
    assert done.returncode == 0, done.stdout
    assert {row.StudyInstanceUID for row in found} == {study_of(images, 0), study_of(images, 1)}
    for row in found:
        assert (row.QueryRetrieveLevel, row.RetrieveAETitle) == ("STUDY", "YINGDUN")
        assert (row.NumberOfStudyRelatedInstances, row.ModalitiesInStudy) == (4, "OT")
        assert "PatientSex" not in row, "only what was asked for"


def test_every_level_of_both_models_is_answered(images, entity):
    study, series = study_of(images, 0), images[0].SeriesInstanceUID
    patient_root = PatientRootQueryRetrieveInformationModelFind
    asked = [
        (patient_root, "PATIENT", {"PatientID": "qr-*", "PatientName": ""}, 2),
        (patient_root, "STUDY", {"PatientID": "qr-1", "StudyInstanceUID": ""}, 2),
        (patient_root, "SERIES", {"PatientID": "qr-1", "StudyInstanceUID": study, "SeriesNumber": ""}, 2),
        (FIND, "STUDY", {"PatientID": "qr-*", "StudyDate": "20260102-20260103"}, 2),
        (FIND, "STUDY", {"PatientID": "qr-*", "AccessionNumber": "QR2"}, 1),
        (FIND, "STUDY", {"StudyInstanceUID": [study, study_of(images, 2)]}, 2),
        (FIND, "SERIES", {"StudyInstanceUID": study, "SeriesInstanceUID": "", "Modality": "OT"}, 2),
        (FIND, "SERIES", {"StudyInstanceUID": study, "Modality": "CT"}, 0),
        (FIND, "IMAGE", {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": ""}, 2),
        (FIND, "IMAGE", {"StudyInstanceUID": study, "SeriesInstanceUID": series, "InstanceNumber": "2"}, 1),
    ]
    for model, level, keys, matches in asked:
        answers = entity.find(model, QueryRetrieveLevel=level, **keys)
        assert [status for status, _ in answers] == [0xFF00] * matches + [0], (level, keys, answers)
        assert all(row.QueryRetrieveLevel == level for _, row in answers[:-1])


@pytest.mark.parametrize("charset, name", CHINESE, ids=[charset for charset, _ in CHINESE])
def test_chinese_names_are_asked_and_answered_in_the_character_set_of_the_asker(images, entity, charset, name):
    answers = entity.find(charset=charset, QueryRetrieveLevel="STUDY", PatientName="张*", PatientID="qr-*")
    rows = [row for status, row in answers if status == 0xFF00]
    assert len(rows) == 2, answers
    for row in rows:
        declared = row.SpecificCharacterSet
        assert ("\\".join(declared) if not isinstance(declared, str) else declared) == charset
        assert row.PatientName.original_string.rstrip(b" =") == name.rstrip(b"=")


def test_who_declares_no_character_set_gets_utf8(images, entity):
    (status, row), _ = entity.find(QueryRetrieveLevel="STUDY", PatientID="qr-2", PatientName="")
    assert (status, row.SpecificCharacterSet) == (0xFF00, "ISO_IR 192")
    assert str(row.PatientName).startswith("Li^Na=李^娜")


def test_keys_that_are_not_supported_are_left_out_and_told(images, entity):
    answers = entity.find(QueryRetrieveLevel="STUDY", PatientID="qr-2", KVP="", StudyDate="")
    (status, row), last = answers
    assert (status, last[0]) == (0xFF01, 0)
    assert "KVP" not in row and row.StudyDate == "20260103"


@pytest.mark.parametrize(
    "keys, status",
    [
        ({"QueryRetrieveLevel": "PATIENT", "PatientID": "qr-1"}, 0xA900),
        ({"QueryRetrieveLevel": "NONSENSE"}, 0xA900),
        ({"PatientID": "qr-1"}, 0xA900),
        ({"QueryRetrieveLevel": "SERIES"}, 0xA900),
        ({"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": ["1.2", "1.3"]}, 0xA900),
        ({"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": "1.2"}, 0xA900),
        ({"QueryRetrieveLevel": "STUDY", "StudyDate": "yesterday"}, 0xC000),
    ],
)
def test_an_identifier_that_does_not_fit_its_model_is_answered_with_its_status(images, entity, keys, status):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.IGNORE)
        answers = entity.find(**keys)
    assert [code for code, _ in answers] == [status]


def test_relational_queries_are_agreed_and_answered(images, entity):
    wish = pynetdicom.pdu_primitives.SOPClassExtendedNegotiation()
    wish.sop_class_uid, wish.service_class_application_information = FIND, b"\x01\x00\x01"
    association = entity.associate(FIND, roles=[wish])
    try:
        assert association.acceptor.sop_class_extended[FIND] == b"\x01\x00\x01"
        asked = identifier(QueryRetrieveLevel="SERIES", PatientID="qr-1", SeriesInstanceUID="")
        statuses = [status.Status for status, _ in association.send_c_find(asked, FIND)]
        assert statuses == [0xFF00] * 4 + [0]
        asked = identifier(QueryRetrieveLevel="STUDY", PatientName="wei zh", PatientID="qr-*")
        statuses = [status.Status for status, _ in association.send_c_find(asked, FIND)]
        assert statuses == [0xFF00] * 2 + [0], "parts of a name in any order"
    finally:
        association.release()


def test_a_query_that_is_cancelled_ends_with_a_cancel(archive, entity, gateway):
    first = part10.image(patient_id="many-instances")
    study, series = first.StudyInstanceUID, first.SeriesInstanceUID
    many = [part10.image(patient_id="many-instances", study=study, series=series, rows=1, columns=2) for _ in range(600)]
    gateway.must_store(*map(part10.file_bytes, many))
    association = entity.associate(FIND)
    try:
        asked = identifier(
            QueryRetrieveLevel="IMAGE", StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=""
        )
        statuses = []
        for status, _ in association.send_c_find(asked, FIND, msg_id=7):
            if not statuses:
                association.send_c_cancel(7, None, FIND)
            statuses.append(status.Status)
        assert statuses[-1] in (0xFE00, 0), "a cancel that comes too late is ignored (PS3.7 §9.3.2.3)"
        assert len(statuses) <= 601
        asked.SOPInstanceUID = many[0].SOPInstanceUID
        assert [status.Status for status, _ in association.send_c_find(asked, FIND)] == [0xFF00, 0]
    finally:
        association.release()


# === C-GET ===


def test_getscu_gets_a_study_bit_for_bit(archive, images, plain_workstation, tmp_path):
    """In plain: the getscu of DCMTK 3.6.7 knows no TLS."""
    done, files = plain_workstation.get(
        archive.addresses.dicom_plain, "-S", tmp_path, "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study_of(images, 0)}",
        options=["+B"],
    )
    assert done.returncode == 0, done.stdout
    assert len(files) == 4, done.stdout
    got = {part10.parse(path.read_bytes()).SOPInstanceUID: path.read_bytes() for path in files}
    for image in images[:4]:
        assert part10.data_set_bytes(got[image.SOPInstanceUID]) == part10.data_set_bytes(part10.file_bytes(image))


class Receiver:
    """Takes objects within an association that asked for them."""

    def __init__(self):
        self.got = []
        self.on_store = None

    def handlers(self):
        return [(evt.EVT_C_STORE, self.store)]

    def store(self, event):
        self.got.append(event.request.AffectedSOPInstanceUID)
        if self.on_store:
            return self.on_store(event)
        return 0


def get(entity, receiver, syntaxes=None, **keys):
    """Every response to a C-GET: its status data set and its identifier."""
    storage = (SecondaryCaptureImageStorage, syntaxes or [part10.EXPLICIT_LITTLE_ENDIAN])
    role = build_role(SecondaryCaptureImageStorage, scp_role=True)
    association = entity.associate(GET, storage, roles=[role], handlers=receiver.handlers())
    receiver.association = association
    try:
        return list(association.send_c_get(identifier(**keys), GET, msg_id=9))
    finally:
        if association.is_established:
            association.release()


def test_every_level_is_got_with_its_counters(images, entity):
    study, series = study_of(images, 0), images[0].SeriesInstanceUID
    for keys, number in [
        ({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study}, 4),
        ({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": [study, study_of(images, 2)]}, 8),
        ({"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": study, "SeriesInstanceUID": series}, 2),
        (
            {
                "QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": study, "SeriesInstanceUID": series,
                "SOPInstanceUID": images[1].SOPInstanceUID,
            },
            1,
        ),
        ({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.3.4"}, 0),
    ]:
        receiver = Receiver()
        *pending, (last, _) = get(entity, receiver, **keys)
        assert last.Status == 0 and last.NumberOfCompletedSuboperations == number, keys
        assert len(set(receiver.got)) == number
        remaining = [status.NumberOfRemainingSuboperations for status, _ in pending]
        assert remaining == sorted(range(number), reverse=True)
        assert all(status.Status == 0xFF00 for status, _ in pending)


def test_what_the_receiver_refuses_is_counted_and_named(images, entity):
    receiver = Receiver()
    refused = images[1].SOPInstanceUID
    receiver.on_store = lambda event: 0xA700 if event.request.AffectedSOPInstanceUID == refused else 0
    *_, (last, failed) = get(entity, receiver, QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
    assert (last.Status, last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (0xB000, 3, 1)
    assert failed.FailedSOPInstanceUIDList == refused


def test_without_a_context_nothing_is_sent_and_everything_is_named(images, entity):
    """A receiver of lossy pictures alone gets none: nothing is spoiled on the way."""
    receiver = Receiver()
    *_, (last, failed) = get(
        entity, receiver, syntaxes=[JPEGBaseline8Bit], QueryRetrieveLevel="STUDY",
        StudyInstanceUID=study_of(images, 0),
    )
    assert last.Status == 0xA702 and not receiver.got
    assert set(failed.FailedSOPInstanceUIDList) == {image.SOPInstanceUID for image in images[:4]}
    assert "transfer syntax" in last.ErrorComment or "role SCP" in last.ErrorComment


def test_a_receiver_of_the_other_native_syntax_gets_the_same_object_in_it(archive, images, entity):
    got = []

    def store(event):
        got.append((event.context.transfer_syntax, event.dataset))
        return 0

    receiver = Receiver()
    receiver.on_store = store
    study = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_of(images, 0)}
    *_, (last, _) = get(entity, receiver, syntaxes=[ImplicitVRLittleEndian], **study)
    assert (last.Status, last.NumberOfCompletedSuboperations) == (0, 4)
    taker = pynetdicom.AE(ae_title="IMPLICIT")
    taker.add_supported_context(SecondaryCaptureImageStorage, [ImplicitVRLittleEndian])
    server = taker.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    port = server.socket.getsockname()[1]
    archive.office.device("IMPLICIT", plain_allowed=True, destination=f"plain://127.0.0.1:{port}")
    *_, (last, _) = move(entity, "IMPLICIT", **study)
    server.shutdown()
    assert (last.Status, last.NumberOfCompletedSuboperations) == (0, 4)
    assert len(got) == 8
    by_instance = {image.SOPInstanceUID: image for image in images}
    for syntax, data_set in got:
        assert syntax == ImplicitVRLittleEndian
        kept = by_instance[data_set.SOPInstanceUID]
        assert data_set.PixelData == kept.PixelData
        assert data_set.to_json_dict() == Dataset(kept).to_json_dict()


def test_a_compressed_object_is_sent_as_it_is_kept_or_decompressed(gateway, entity):
    image = part10.image(patient_id="compressed-1")
    pixels = image.pixel_array.copy()
    image.compress(RLELossless, generate_instance_uid=False)
    gateway.must_store(part10.file_bytes(image))
    image_keys = {
        "QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": image.StudyInstanceUID,
        "SeriesInstanceUID": image.SeriesInstanceUID, "SOPInstanceUID": image.SOPInstanceUID,
    }
    got = {}

    def store(event):
        data_set = event.dataset
        data_set.file_meta = event.file_meta
        got[event.context.transfer_syntax] = data_set
        return 0

    for syntax in (RLELossless, part10.EXPLICIT_LITTLE_ENDIAN, ImplicitVRLittleEndian, JPEGLSLossless):
        receiver = Receiver()
        receiver.on_store = store
        *_, (last, _) = get(entity, receiver, syntaxes=[syntax], **image_keys)
        assert last.Status == 0, syntax
    assert got[RLELossless].PixelData == image.PixelData
    assert got[JPEGLSLossless].PixelData[16:18] == b"\xff\xd8", "behind an empty offset table and an item header"
    for syntax in (part10.EXPLICIT_LITTLE_ENDIAN, ImplicitVRLittleEndian):
        assert (got[syntax].pixel_array == pixels).all(), syntax


def test_a_retrieval_that_is_cancelled_says_what_remains(images, entity):
    receiver = Receiver()

    def cancel(_):
        receiver.association.send_c_cancel(9, None, GET)
        return 0

    receiver.on_store = cancel
    *_, (last, _) = get(entity, receiver, QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
    assert last.Status == 0xFE00
    assert last.NumberOfCompletedSuboperations + last.NumberOfRemainingSuboperations == 4
    assert last.NumberOfRemainingSuboperations > 0


def test_a_peer_that_hangs_up_in_the_middle_harms_nobody(images, entity):
    receiver = Receiver()
    receiver.on_store = lambda _: receiver.association.abort() or 0
    get(entity, receiver, QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
    receiver = Receiver()
    *_, (last, _) = get(entity, receiver, QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
    assert last.Status == 0


@pytest.mark.parametrize("level, keys", [("STUDY", {}), ("SERIES", {"SeriesInstanceUID": "1.2"}), ("PATIENT", {"PatientID": "x"})])
def test_a_retrieval_names_what_it_wants(images, entity, level, keys):
    ((last, _),) = get(entity, Receiver(), QueryRetrieveLevel=level, **keys)
    assert last.Status == 0xA900


# === C-MOVE ===


@pytest.fixture(scope="module")
def storescp(archive, tmp_path_factory):
    """DCMTK's storescp as a destination, over TLS with a certificate of its own."""
    folder = tmp_path_factory.mktemp("storescp")
    identity = archive.issue_certificate("SCP01", "localhost", "127.0.0.1")
    port = free_port()
    arguments = ["+tls", identity["private_key_file"], identity["certificate_file"], "+cf", str(archive.ca_file)]
    with listening("storescp", port, *arguments, "-aet", "SCP01", "-od", str(folder), "+B"):
        archive.office.device(
            "SCP01", certificate_sha256=identity["sha256"], addresses=["127.0.0.1"], destination=f"localhost:{port}"
        )
        yield folder


class listening:
    """A program that listens on a port, for the length of a `with`."""

    def __init__(self, name, port, *arguments):
        found = shutil.which(name)
        assert found, f"{name} is missing: script/bootstrap test installs DCMTK"
        self.port, self.command = port, [found, *arguments, str(port)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "the program listens", 20)
        return self

    def _answers(self):
        assert self.process.poll() is None, "the program has ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def test_movescu_has_a_study_sent_to_a_registered_destination_over_tls(archive, images, plain_workstation, storescp):
    """Asked in plain, as the movescu of DCMTK 3.6.7 knows no TLS; sent over TLS, as the record of the destination says."""
    done = plain_workstation.move(
        archive.addresses.dicom_plain, "-S", "SCP01", "QueryRetrieveLevel=STUDY",
        f"StudyInstanceUID={study_of(images, 1)}",
    )
    assert done.returncode == 0, done.stdout
    files = [path for path in storescp.iterdir() if path.is_file()]
    got = {part10.parse(path.read_bytes()).SOPInstanceUID: path.read_bytes() for path in files}
    for image in images[4:8]:
        assert part10.data_set_bytes(got[image.SOPInstanceUID]) == part10.data_set_bytes(part10.file_bytes(image))
    leaves = archive.office.leaves(kind="association", outcome="permitted", actor="WSPLAIN")
    assert any(leaf["reason"] == "move-destination" for leaf in leaves), "for whom it was is on the ledger"


def move(entity, destination, **keys):
    association = entity.associate(MOVE)
    try:
        return list(association.send_c_move(identifier(**keys), destination, MOVE))
    finally:
        association.release()


def test_a_destination_that_is_not_registered_gets_nothing(archive, images, entity):
    archive.office.device("NOWHERE", plain_allowed=True)
    for destination in ("STRANGER", "NOWHERE"):
        ((last, _),) = move(entity, destination, QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
        assert last.Status == 0xA801, destination


def test_a_destination_that_does_not_answer_fails_every_object(archive, images, entity):
    archive.office.device("GONE", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    *_, (last, failed) = move(entity, "GONE", QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
    assert (last.Status, last.NumberOfFailedSuboperations) == (0xA702, 4)
    assert len(failed.FailedSOPInstanceUIDList) == 4


def test_a_move_that_is_cancelled_stops(archive, images, entity):
    taken, go_on = [], threading.Event()

    def store(event):
        taken.append(event.request.AffectedSOPInstanceUID)
        assert event.request.MoveOriginatorApplicationEntityTitle == "WS01"
        go_on.wait(10)
        return 0

    receiver = pynetdicom.AE(ae_title="SLOW")
    receiver.add_supported_context(SecondaryCaptureImageStorage)
    server = receiver.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    archive.office.device("SLOW", plain_allowed=True, destination=f"plain://127.0.0.1:{server.socket.getsockname()[1]}")
    association = entity.associate(MOVE)
    try:
        asked = identifier(QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
        responses = association.send_c_move(asked, "SLOW", MOVE, msg_id=11)
        wait_until(lambda: taken, "the first object arrives", 20)
        association.send_c_cancel(11, None, MOVE)
        time.sleep(0.2)
        go_on.set()
        *_, (last, _) = responses
        assert last.Status == 0xFE00
        assert last.NumberOfRemainingSuboperations + last.NumberOfCompletedSuboperations == 4
        assert len(taken) < 4
    finally:
        go_on.set()
        association.release()
        server.shutdown()


# === who may ===


def test_what_a_device_may_ask_is_what_it_was_granted(archive, images):
    archive.office.device("SCOPED", plain_allowed=True)
    archive.office.device("SCOPEDTO", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    device = Entity(archive, "SCOPED")
    study = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_of(images, 0)}
    for scopes, found, got in [
        ((), [0x0124], 0x0124),
        (("store",), [0x0124], 0x0124),
        (("worklist",), [0x0124], 0x0124),
        # Only what opens is listed.
        (("search",), [0], 0x0124),
        (("view",), [0xFF00, 0], 0),
        (("store", "search", "view"), [0xFF00, 0], 0),
    ]:
        archive.office.grant_device("SCOPED", *scopes)
        assert [status for status, _ in device.find(**study)] == found, scopes
        receiver = Receiver()
        *_, (last, _) = get(device, receiver, **study)
        assert last.Status == got and len(receiver.got) == (4 if got == 0 else 0), scopes
        *_, (last, _) = move(device, "SCOPEDTO", **study)
        assert last.Status == (0xA702 if got == 0 else got), scopes


# === who is behind the workstation ===


def user(name, secret=None, *, kind=2, answer=True):
    """A user identity as a workstation sends it (PS3.7 §D.3.3.7)."""
    identity = pynetdicom.pdu_primitives.UserIdentityNegotiation()
    identity.user_identity_type, identity.positive_response_requested = kind, answer
    identity.primary_field = name.encode()
    if secret is not None:
        identity.secondary_field = secret.encode()
    return identity


class Person(Entity):
    """A person at a registered workstation that itself may do nothing."""

    def __init__(self, archive, title, identity):
        super().__init__(archive, title)
        self.user = identity

    def associate(self, *contexts, roles=(), handlers=()):
        return super().associate(*contexts, roles=[*roles, self.user], handlers=handlers)


@pytest.fixture(scope="module")
def seat(archive):
    """A workstation without any scope: what is done there is done by the person."""
    archive.office.device("SEAT", plain_allowed=True)
    archive.office.grant_device("SEAT")
    archive.office.device("SEATTO", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    return "SEAT"


#: What each role may do over DICOM: find, get and move a study of this institution that arrived today, store another.
ROLES = {
    "clinician": (False, False),
    "radiologist": (True, False),
    "chief": (True, False),
    "technician": (True, True),
    "researcher": (None, False),
    "system-administrator": (None, False),
    "security-administrator": (None, False),
    "audit-administrator": (None, False),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_person_at_a_workstation_may_what_the_role_may(archive, images, seat, role):
    sees, stores = ROLES[role]
    office = archive.office
    name = office.names[role] if role in office.names else office.person(f"seat-{role}", role)
    person = Person(archive, seat, user(name, PASSWORD))
    study = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_of(images, 0)}
    assert [status for status, _ in person.find(**study)] == {True: [0xFF00, 0], False: [0], None: [0x0124]}[sees]
    receiver = Receiver()
    *_, (last, _) = get(person, receiver, **study)
    assert (last.Status, len(receiver.got)) == {True: (0, 4), False: (0, 0), None: (0x0124, 0)}[sees]
    *_, (last, _) = move(person, "SEATTO", **study)
    assert last.Status == {True: 0xA702, False: 0, None: 0x0124}[sees]
    association = person.associate((SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN]), Verification)
    assert association.send_c_echo().Status == 0, "whoever sits there, the device is answered"
    stored = association.send_c_store(part10.image(patient_id=f"seat-{role}")).Status
    association.release()
    assert stored == (0 if stores else 0x0124)
    assert archive.office.leaves(kind="query", actor=name) or sees is None, "the person stands on the ledger"


def test_a_clinician_at_a_workstation_sees_the_patients_in_care(archive, images, seat):
    office = archive.office
    name = office.person("seat-doctor", "clinician", "technician")
    office.care(name, "qr-2")
    person = Person(archive, seat, user(f"{name}@clinician", PASSWORD))
    answers = person.find(QueryRetrieveLevel="STUDY", PatientID="qr-*", StudyInstanceUID="")
    assert [row.StudyInstanceUID for _, row in answers[:-1]] == [study_of(images, 2)]


def test_a_token_names_a_person_too(archive, images, seat):
    token = archive.office.person_token("seat-token", "radiologist")
    person = Person(archive, seat, user(token, kind=5))
    association = person.associate(FIND)
    assert association.acceptor.user_identity is not None, "the positive answer that was asked for"
    association.release()
    assert len(person.find(QueryRetrieveLevel="STUDY", PatientID="qr-1", StudyInstanceUID="")) == 3
    archive.office.revoke(token)
    assert not established(person)
    assert not established(Person(archive, seat, user(archive.office.client_token("seat-client", "view"), kind=5)))


def established(entity) -> bool:
    try:
        entity.associate(FIND).release()
    except AssertionError:
        return False
    return True


def test_a_wrong_password_lets_nobody_in_and_is_counted_as_on_the_web(archive, images, seat):
    name = archive.office.person("seat-forgetful", "radiologist")
    assert established(Person(archive, seat, user(name, PASSWORD)))
    for _ in range(5):
        assert not established(Person(archive, seat, user(name, "a wrong password")))
    assert not established(Person(archive, seat, user(name, PASSWORD))), "the address is stopped"
    assert archive.office.try_sign_in(name).status_code == 401, "on the web as well"
    assert not established(Person(archive, seat, user("seat-nobody", PASSWORD)))


def test_a_name_that_nothing_proves_changes_nothing(archive, images, plain_workstation):
    person = Person(archive, "WSPLAIN", user("seat-radiologist", kind=1))
    association = person.associate(FIND)
    assert association.acceptor.user_identity is None, "no positive answer"
    association.release()
    assert len(person.find(QueryRetrieveLevel="STUDY", PatientID="qr-1", StudyInstanceUID="")) == 3
    assert archive.office.leaves(kind="query", actor="WSPLAIN")


# === our own tools ===


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


# === the same queries elsewhere ===

#: Queries whose answers differ from those of dcmqrscp 3.6.7, and the paragraph that decides.
DIFFERENCES = {}


@pytest.fixture(scope="module")
def dcmqrscp(images, tmp_path_factory):
    """DCMTK's archive with the same files."""
    folder = tmp_path_factory.mktemp("dcmqrscp")
    (folder / "db").mkdir()
    port = free_port()
    config = folder / "dcmqrscp.cfg"
    config.write_text(
        f"""NetworkTCPPort = {port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
DCMQR {folder / "db"} RW (200, 1024mb) ANY
AETable END
"""
    )
    with listening("dcmqrscp", port, "-c", str(config), "--allow-shutdown"):
        entity = pynetdicom.AE(ae_title="WS01")
        entity.add_requested_context(SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN])
        association = entity.associate("127.0.0.1", port, ae_title="DCMQR")
        assert association.is_established
        assert all(association.send_c_store(image).Status == 0 for image in images)
        association.release()
        yield ("127.0.0.1", port)


QUERIES = {
    "studies of a patient": ("-S", "QueryRetrieveLevel=STUDY", "PatientID=qr-1", "StudyInstanceUID", "StudyDate"),
    "studies by the beginning of an ID": ("-S", "QueryRetrieveLevel=STUDY", "PatientID=qr-*", "StudyInstanceUID"),
    "studies of some days": (
        "-S", "QueryRetrieveLevel=STUDY", "PatientID=qr-*", "StudyDate=20260102-20260103", "StudyInstanceUID",
    ),
    "a study by its accession number": (
        "-S", "QueryRetrieveLevel=STUDY", "AccessionNumber=QR1", "PatientID=qr-?", "StudyInstanceUID", "StudyID",
    ),
    "nothing": ("-S", "QueryRetrieveLevel=STUDY", "PatientID=qr-nobody", "StudyInstanceUID"),
    "patients": ("-P", "QueryRetrieveLevel=PATIENT", "PatientID=qr-*", "PatientSex", "PatientBirthDate"),
    "series": ("-S", "QueryRetrieveLevel=SERIES", "StudyInstanceUID={study}", "SeriesInstanceUID", "SeriesNumber", "Modality"),
    "images": (
        "-S", "QueryRetrieveLevel=IMAGE", "StudyInstanceUID={study}", "SeriesInstanceUID={series}", "SOPInstanceUID",
        "InstanceNumber",
    ),
}


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_query_has_the_same_answer_as_at_dcmqrscp(archive, images, workstation, dcmqrscp, tmp_path, name):
    model, *keys = QUERIES[name]
    keys = [key.format(study=study_of(images, 0), series=images[0].SeriesInstanceUID) for key in keys]
    answers = []
    for place, peer, address in [
        ("ours", workstation, archive.addresses.dicom_tls),
        ("theirs", Peer("WS01", "DCMQR"), dcmqrscp),
    ]:
        folder = tmp_path / place
        folder.mkdir()
        done, found = peer.find(address, model, folder, *keys)
        assert done.returncode == 0, done.stdout
        answers.append(sorted(comparable(row) for row in found))
    assert answers[0] == answers[1], DIFFERENCES.get(name)


def comparable(row) -> str:
    """What was asked for, without who answered."""
    for keyword in ("RetrieveAETitle", "SpecificCharacterSet", "InstanceAvailability"):
        if keyword in row:
            delattr(row, keyword)
    return str([(element.tag, str(element.value)) for element in row])


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
