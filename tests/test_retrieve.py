"""C-GET and C-MOVE as other programs ask them: DCMTK and pynetdicom, over TLS and in plain."""

import threading

import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless, RLELossless
from pynetdicom import evt
from pynetdicom.sop_class import SecondaryCaptureImageStorage

from yingdun_testkit import part10
from yingdun_testkit.installation import wait_until
from yingdun_testkit.orthanc import free_port
from yingdun_testkit.workstation import GET, MOVE, Receiver, get, identifier, move, study_of


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


@pytest.mark.parametrize("offered", [3, 0])
def test_objects_are_sent_before_the_first_is_answered_to_a_peer_that_offers_it(images, entity, offered):
    receiver = Receiver()

    def hold(_):
        if len(receiver.got) == 1:
            behind = receiver.association.dimse.msg_queue
            more = 2 if offered == 3 else 3
            wait_until(lambda: behind.qsize() >= more, "the next objects come", 20)
            assert behind.qsize() == more, "and no more than offered"
        return 0

    receiver.on_store = hold
    asked = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_of(images, 0)}
    *pending, (last, _) = get(entity, receiver, offered=offered, **asked)
    assert (last.Status, last.NumberOfCompletedSuboperations, len(set(receiver.got))) == (0, 4, 4)
    assert [status.NumberOfRemainingSuboperations for status, _ in pending] == [3, 2, 1, 0]


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

    def hang_up(_):
        # pynetdicom itself would wait half a minute for what it has made impossible.
        receiver.association.dimse_timeout = 1
        receiver.association.abort()
        return 0

    receiver.on_store = hang_up
    get(entity, receiver, QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
    receiver = Receiver()
    *_, (last, _) = get(entity, receiver, QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
    assert last.Status == 0


@pytest.mark.parametrize("level, keys", [("STUDY", {}), ("SERIES", {"SeriesInstanceUID": "1.2"}), ("PATIENT", {"PatientID": "x"})])
def test_a_retrieval_names_what_it_wants(images, entity, level, keys):
    ((last, _),) = get(entity, Receiver(), QueryRetrieveLevel=level, **keys)
    assert last.Status == 0xA900


# === C-MOVE ===


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
        go_on.wait(60)
        return 0

    receiver = pynetdicom.AE(ae_title="SLOW")
    receiver.add_supported_context(SecondaryCaptureImageStorage)
    server = receiver.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    archive.office.device("SLOW", plain_allowed=True, destination=f"plain://127.0.0.1:{server.socket.getsockname()[1]}")
    association = entity.associate(MOVE)
    sent = []
    association.bind(evt.EVT_DATA_SENT, lambda event: sent.append(len(event.data)))
    try:
        asked = identifier(QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(images, 0))
        responses = association.send_c_move(asked, "SLOW", MOVE, msg_id=11)
        wait_until(lambda: taken, "the first object arrives", 20)
        before = len(sent)
        association.send_c_cancel(11, None, MOVE)
        wait_until(lambda: len(sent) > before, "the library sends it, from a thread of its own", 20)
        go_on.set()
        *_, (last, _) = responses
        assert last.Status == 0xFE00
        assert last.NumberOfRemainingSuboperations + last.NumberOfCompletedSuboperations == 4
        assert len(taken) < 4
    finally:
        go_on.set()
        association.release()
        server.shutdown()
