"""The pynetdicom side of `pynetdicom.rs`.

usage: pynetdicom_peer.py CALLING CALLED PORT negotiate
       pynetdicom_peer.py CALLING CALLED PORT store FOLDER [CA CERTIFICATE KEY]

`store` sends every object among the test files of pydicom, in chunks of the original file (nothing is decoded),
and prints for each: SOP instance UID, status, a file in FOLDER with the data set as it stood in the original.
"""

import pathlib
import ssl
import sys

import pydicom
from pydicom.filereader import read_file_meta_info
from pynetdicom import AE, _config
from pynetdicom.sop_class import (
    CTImageStorage,
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepNotification,
    PatientRootQueryRetrieveInformationModelFind,
    UnifiedProcedureStepEvent,
    Verification,
)

_config.STORE_SEND_CHUNKED_DATASET = True
_config.UNRESTRICTED_STORAGE_SERVICE = True
_config.ENFORCE_UID_CONFORMANCE = False


def objects():
    """(path, class, instance, transfer syntax) of each test file that is an object with file meta information."""
    folder = pathlib.Path(pydicom.data.__file__).parent / "test_files"
    seen = set()
    for path in sorted(folder.rglob("*.dcm")):
        try:
            meta = read_file_meta_info(path)
            found = (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID)
        except Exception:
            continue  # not an object that a modality could send
        if found[1] in seen or not all(found) or "Storage" not in found[0].name or "Directory" in found[0].name:
            continue
        if "Media Storage" in found[0].name:
            continue
        seen.add(found[1])
        yield path, *found


def data_set_bytes(path):
    """What follows the file meta information, i.e. the elements of group 0002 in Explicit VR Little Endian."""
    whole = path.read_bytes()
    at = 128 + 4
    while whole[at : at + 2] == b"\x02\x00":
        if whole[at + 4 : at + 6] in (b"OB", b"UN"):
            at += 12 + int.from_bytes(whole[at + 8 : at + 12], "little")
        else:
            at += 8 + int.from_bytes(whole[at + 6 : at + 8], "little")
    return whole[at:]


def store(ae, port, called, folder, tls):
    files = list(objects())
    contexts = sorted({(sop_class, syntax) for _, sop_class, _, syntax in files})
    for start in range(0, len(contexts), 128):
        part = contexts[start : start + 128]
        ae.requested_contexts = []
        for sop_class, syntax in part:
            ae.add_requested_context(sop_class, syntax)
        association = ae.associate("127.0.0.1", port, ae_title=called, tls_args=tls)
        assert association.is_established, "no association"
        for number, (path, sop_class, instance, syntax) in enumerate(files):
            if (sop_class, syntax) not in part:
                continue
            try:
                status = association.send_c_store(path)
            except (ValueError, AttributeError) as error:
                print(f"{path.name}: {error}", file=sys.stderr)
                continue
            original = pathlib.Path(folder) / str(number)
            original.write_bytes(data_set_bytes(path))
            print(instance, f"{status.Status:04X}" if status else "none", original)
        association.release()


def negotiate(ae, port, called):
    ae.add_requested_context(
        CTImageStorage,
        ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.1"],
    )
    ae.add_requested_context(Verification, "1.2.840.10008.1.2")
    ae.add_requested_context(PatientRootQueryRetrieveInformationModelFind)
    ae.add_requested_context(ModalityPerformedProcedureStep)
    ae.add_requested_context(ModalityPerformedProcedureStepNotification)
    ae.add_requested_context(UnifiedProcedureStepEvent)
    association = ae.associate("127.0.0.1", port, ae_title=called)
    assert association.is_established, "no association"
    print("echo", f"{association.send_c_echo().Status:04X}")
    for context in sorted(association.accepted_contexts, key=lambda c: c.abstract_syntax.name):
        print("accepted", context.abstract_syntax.name, context.transfer_syntax[0].name)
    for context in sorted(association.rejected_contexts, key=lambda c: c.abstract_syntax.name):
        print("refused", context.abstract_syntax.name, context.result)
    association.release()


def main():
    calling, called, port, what, *rest = sys.argv[1:]
    ae = AE(ae_title=calling)
    if what == "negotiate":
        negotiate(ae, int(port), called)
        return
    folder, *files = rest
    tls = None
    if files:
        authority, certificate, key = files
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(certificate, key)
        tls = (context, "127.0.0.1")
    store(ae, int(port), called, folder, tls)


main()
