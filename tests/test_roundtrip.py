"""What comes out is what went in, bit for bit, for every real file; what cannot be kept is told so.

The outcome of each file stands in `expected/roundtrip.json`, so that a change of behaviour shows up as a change of
that file. `YINGDUN_UPDATE_EXPECTATIONS=1` writes it anew.
"""

import json
import os
from pathlib import Path

import pydicom
import pynetdicom
import pytest

from yingdun_testkit import corpus, part10
from yingdun_testkit.web import REASONS, Web, outcome

EXPECTED = Path(__file__).parent / "expected" / "roundtrip.json"


@pytest.fixture(scope="module")
def home(make_installation):
    """An archive for the files of one door. Some files share their UIDs, so each door has its own."""
    return lambda name: make_installation(f"roundtrip-{name}")


def check(web: Web, content: bytes, name: str):
    """What was just stored comes back as the same bytes, and reads as the same data set."""
    sent = part10.data_set_bytes(content)
    # pydicom reads what precedes the pixels; that is all that is needed to ask for the instance.
    wanted = part10.parse(content)
    came = web.file_of(wanted)
    assert came[:128] == b"\0" * 128, f"{name}: the preamble is not neutral"
    assert part10.data_set_bytes(came) == sent, f"{name}: the data set differs"
    assert part10.parse(came) == wanted, f"{name}: pydicom reads another data set"


def compare(door: str, outcomes: dict):
    """Compares a table of outcomes with the expectation file, or writes it."""
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    if os.environ.get("YINGDUN_UPDATE_EXPECTATIONS"):
        expected[door] = outcomes
        EXPECTED.write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
    assert outcomes == expected.get(door), "outcomes changed; see the module's first lines"


def verify_end(installation, web, last: dict):
    """Nothing was lost on the way: the last of each instance is there still, and the ledger verifies."""
    for content in last.values():
        check(web, content, "at the end")
    assert len(last) == installation.office.system.get("/system/status")["holdings"]["instances"]
    installation.stop()
    assert installation.verify_audit()["ok"]


def test_every_real_file_through_stow_rs(home):
    installation = home("stow")
    web = Web(installation, installation.office.client_token("corpus", "store", "view"))
    outcomes, last = {}, {}
    for name, path in corpus.files().items():
        content = path.read_bytes()
        outcomes[name] = outcome(web.store(content))
        if outcomes[name] == "stored":
            check(web, content, name)
            last[part10.parse(content).SOPInstanceUID] = content
    compare("stow-rs", outcomes)
    assert sum(result == "stored" for result in outcomes.values()) > 100
    verify_end(installation, web, last)


def test_every_real_file_through_c_store(home, monkeypatch):
    # Data sets go out as the bytes of their files, not decoded and encoded again.
    monkeypatch.setattr(pynetdicom._config, "STORE_SEND_CHUNKED_DATASET", True)
    installation = home("c-store")
    installation.office.device("CORPUS", plain_allowed=True)
    web = Web(installation, installation.office.client_token("corpus", "view"))
    outcomes, last = {}, {}
    for name, path in corpus.files().items():
        outcomes[name] = send_as_it_is(installation, path)
        if outcomes[name] == "stored":
            content = path.read_bytes()
            check(web, content, name)
            last[part10.parse(content).SOPInstanceUID] = content
    compare("c-store", outcomes)
    assert sum(result == "stored" for result in outcomes.values()) > 100
    verify_end(installation, web, last)


def send_as_it_is(installation, path: Path) -> str:
    """One association, one C-STORE with the bytes of the file; the outcome in words."""
    try:
        meta = pydicom.filereader.read_file_meta_info(path)
        sop_class, syntax = meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID
        meta.MediaStorageSOPInstanceUID
    except (pydicom.errors.InvalidDicomError, AttributeError, EOFError):
        return "not sent: no file meta information"
    entity = pynetdicom.AE(ae_title="CORPUS")
    entity.add_requested_context(sop_class, syntax)
    association = entity.associate(*installation.addresses.dicom_plain, ae_title="YINGDUN")
    if not association.is_established:
        # pynetdicom gives an association without an accepted context up.
        assert not association.is_rejected
        return "context refused"
    try:
        status = association.send_c_store(path)
    except (ValueError, AttributeError) as error:
        return f"not sent: {type(error).__name__}"
    finally:
        association.release()
    code = status.get("Status")
    return "stored" if code == 0 else REASONS.get(code, f"status {code:04X}" if code is not None else "no answer")


@pytest.mark.skipif(not corpus.extra_files(), reason=f"{corpus.EXTRA} names no folder")
def test_every_file_of_a_folder_of_your_own(home):
    installation = home("extra")
    web = Web(installation, installation.office.client_token("corpus", "store", "view"))
    for path in corpus.extra_files():
        content = path.read_bytes()
        result = outcome(web.store(content))
        print(f"{path.name}: {result}")
        assert not result.startswith("HTTP"), (path, result)
        if result == "stored":
            check(web, content, path.name)
