"""Storage commitment as its user: others are asked whether they keep what they were sent, from the command line and by the archive."""

import copy

import pytest
from pydicom.uid import generate_uid

from yingdun_testkit import part10, program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.keeper import Keeper
from yingdun_testkit.orthanc import Orthanc, free_port
from yingdun_testkit.web import Web

NO_SUCH_OBJECT_INSTANCE = "0112"


def written(folder, images) -> list:
    for image in images:
        (folder / f"{image.SOPInstanceUID}.dcm").write_bytes(part10.file_bytes(image))
    return sorted(folder.glob("*.dcm"))


def ask(peer, files, *options, code=0) -> dict:
    return program.run_json("commit", f"{peer.title}@localhost:{peer.port}", *files, *options, code=code)


def answered(api, question: dict, seconds=60) -> dict:
    """The question when it is over."""
    look = lambda: api.get(f"/commitments/{question['transaction']}")
    wait_until(lambda: look()["state"] not in ("asking", "waiting"), "the question is over", seconds)
    return look()


def test_the_command_line_is_told_per_file_on_the_association_in_which_it_asked(tmp_path):
    images = [part10.image(patient_id="COMMITTED", seed=seed) for seed in range(3)]
    files, gone = written(tmp_path, images), images[1].SOPInstanceUID
    with Keeper("KEEPER") as keeper:
        told = ask(keeper, files)
        assert (told["status"], told["answered"], told["total"], told["committed"]) == (0, True, 3, 3)
        wait_until(lambda: keeper.answers == [0], "the peer hears that its report was taken", 20)
        keeper.keeps = lambda instance: instance != gone
        told = ask(keeper, [tmp_path], "--transaction", "2.25.4711", code=1)
        assert told["transaction"] == "2.25.4711" and told["committed"] == 2
        verdicts = {one["instance"]: (one["committed"], one["failure_reason"]) for one in told["instances"]}
        assert verdicts.pop(gone) == (False, NO_SUCH_OBJECT_INSTANCE)
        assert set(verdicts.values()) == {(True, None)}
        assert keeper.questions[-1].TransactionUID == "2.25.4711"
        keeper.status = 0x0213
        told = ask(keeper, files, code=1)
        assert (told["status"], told["answered"]) == (0x0213, False)
        keeper.status, keeper.on_same = 0, False
        told = ask(keeper, files, "--wait", "1", code=1)
        assert (told["answered"], told["instances"][0]["committed"]) == (False, None)
    (tmp_path / "notes.txt").write_text("no DICOM")
    assert program.run("commit", "KEEPER@localhost:1", tmp_path / "notes.txt").returncode == 2


def test_orthanc_calls_the_command_line_back(tmp_path):
    port, folder = free_port(), tmp_path / "files"
    folder.mkdir()
    back = {"AET": "OURSCU", "Host": "127.0.0.1", "Port": port}
    orthanc = Orthanc(tmp_path, {"DicomAet": "ORTHKEEPS", "DicomModalities": {"ours": back}})
    try:
        images = [part10.image(patient_id="ORTHKEEPS", seed=seed) for seed in range(3)]
        for image in images[:2]:
            assert orthanc.ask("POST", "/instances", data=part10.file_bytes(image)).ok
        peer = f"ORTHKEEPS@localhost:{orthanc.dicom}"
        files, options = written(folder, images), ["--calling", "OURSCU", "--listen", port]
        kept = [folder / f"{image.SOPInstanceUID}.dcm" for image in images[:2]]
        told = program.run_json("commit", peer, *kept, *options)
        assert (told["answered"], told["committed"]) == (True, 2)
        told = program.run_json("commit", peer, *files, *options, code=1)
        reasons = {one["instance"]: one["failure_reason"] for one in told["instances"]}
        assert told["committed"] == 2 and reasons[images[2].SOPInstanceUID] == NO_SUCH_OBJECT_INSTANCE
    finally:
        orthanc.stop()


def test_the_archive_asks_orthanc_for_what_it_sent_there(archive, gateway, tokens, tmp_path):
    viewer = archive.office.api(tokens.client(archive, "view"))
    host, port = archive.addresses.dicom_plain
    here = {"AET": "YINGDUN", "Host": host, "Port": port}
    orthanc = Orthanc(tmp_path, {"DicomAet": "CMORTHANC", "DicomModalities": {"yingdun": here}, "DicomAlwaysAllowStore": True})
    try:
        destination = f"plain://127.0.0.1:{orthanc.dicom}"
        archive.office.device("CMORTHANC", plain_allowed=True, destination=destination)
        study = generate_uid()
        images = [part10.image(patient_id="CM-1", study=study, seed=seed) for seed in range(3)]
        gateway.must_store(*map(part10.file_bytes, images))
        some = {"studies": [study], "instances": [image.SOPInstanceUID for image in images[:2]]}
        job = viewer.post("/devices/CMORTHANC/store", some, 202)
        wait_until(lambda: viewer.get(f"/jobs/{job['job']}")["state"] == "completed", "the objects are sent", 60)
        asked = viewer.post("/devices/CMORTHANC/commit", some, 202)
        assert (asked["device"], asked["total"], len(asked["instances"])) == ("CMORTHANC", 2, 2)
        over = answered(viewer, asked)
        assert (over["state"], over["committed"], over["failed"], over["fault"]) == ("answered", 2, 0, None)
        token = tmp_path / "token"
        token.write_text(tokens.client(archive, "view"))
        admin = ["--server", archive.addresses.web, "--ca-file", archive.ca_file, "--token-file", token]
        over = program.run_json("device", "commit", "CMORTHANC", study, "--wait", *admin, code=1)
        reasons = {one["instance"]: (one["committed"], one["failure_reason"]) for one in over["instances"]}
        assert reasons.pop(images[2].SOPInstanceUID) == (False, NO_SUCH_OBJECT_INSTANCE)
        assert set(reasons.values()) == {(True, None)}
        # Both are listed for whoever asked, and are nobody else's.
        listed = viewer.get("/commitments")
        assert [one["transaction"] for one in listed[:2]] == [over["transaction"], asked["transaction"]]
        other = archive.office.api(tokens.person(archive, "radiologist"))
        other.get(f"/commitments/{asked['transaction']}", status=404)
        leaves = archive.office.leaves(kind="commitment", actor="CMORTHANC")
        assert {(leaf["outcome"], leaf["reason"]) for leaf in leaves} == {
            ("succeeded", "commitment-answered"), ("failed", "commitment-answered"),
        }
    finally:
        orthanc.stop()
    viewer.post("/devices/NOBODY/commit", {"studies": [study]}, 404)
    viewer.post("/devices/CMORTHANC/commit", {"studies": ["2.25.404"]}, 404)
    viewer.post("/devices/CMORTHANC/commit", {"studies": []}, 400)
    viewer.get("/commitments/2.25.404", status=404)


def test_an_answer_counts_once_and_from_whom_was_asked_only(archive, gateway, tokens):
    viewer = archive.office.api(tokens.client(archive, "view"))
    study = generate_uid()
    images = [part10.image(patient_id="CM-2", study=study, seed=seed) for seed in range(2)]
    gateway.must_store(*map(part10.file_bytes, images))
    address = archive.addresses.dicom_plain
    with Keeper("CMLATER", on_same=False) as keeper:
        for title in ("CMLATER", "CMOTHER"):
            archive.office.device(title, plain_allowed=True, destination=f"plain://127.0.0.1:{keeper.port}")
        asked = viewer.post("/devices/CMLATER/commit", {"studies": [study]}, 202)
        wait_until(lambda: keeper.questions, "the device is asked", 60)
        [question] = keeper.questions
        assert question.TransactionUID == asked["transaction"]
        event, told = keeper.report(question)
        unknown = copy.deepcopy(told)
        unknown.TransactionUID = "2.25.404"
        assert keeper.tell(address, unknown, event) == 0x0115
        other = Keeper("CMOTHER")
        assert other.tell(address, told, event) == 0x0115, "it was not asked"
        assert keeper.tell(address, told, 7) == 0x0113
        # It names only one of the two.
        told.ReferencedSOPSequence = told.ReferencedSOPSequence[:1]
        assert keeper.tell(address, told, event) == 0
        over = answered(viewer, asked)
        assert (over["state"], over["committed"], over["failed"]) == ("answered", 1, 1)
        assert [one["committed"] for one in over["instances"]].count(False) == 1
        assert keeper.tell(address, told, event) == 0, "the same again is the same"
        told.ReferencedSOPSequence = question.ReferencedSOPSequence
        assert keeper.tell(address, told, event) == 0x0115, "another one is not"
        assert answered(viewer, asked)["committed"] == 1
        # A device that refuses for good is not asked again.
        keeper.status = 0x0124
        refused = answered(viewer, viewer.post("/devices/CMLATER/commit", {"studies": [study]}, 202))
        assert refused["state"] == "failed" and "0124" in refused["fault"]
        assert [one["committed"] for one in refused["instances"]] == [None, None]


@pytest.fixture
def own_archive(make_installation):
    return make_installation("commitment-asked")


def test_a_question_survives_the_death_of_the_server_and_of_the_device(own_archive):
    office = own_archive.office
    gateway = Web(own_archive, office.client_token("cm-gateway", "store", "view"))
    image = part10.image(patient_id="CM-3")
    gateway.must_store(part10.file_bytes(image))
    keeper = Keeper("CMDEAD")
    office.device("CMDEAD", plain_allowed=True, destination=f"plain://127.0.0.1:{keeper.port}")
    viewer = office.api(office.client_token_again("cm-gateway"))
    asked = viewer.post("/devices/CMDEAD/commit", {"studies": [image.StudyInstanceUID]}, 202)
    look = lambda: viewer.get(f"/commitments/{asked['transaction']}")
    wait_until(lambda: look()["fault"], "the first attempt fails", 60)
    assert look()["state"] == "asking"
    own_archive.kill()
    own_archive.start()
    office.sign_in_officers()
    viewer = office.api(office.client_token_again("cm-gateway"))
    with keeper:
        over = answered(viewer, asked, seconds=120)
    assert (over["state"], over["committed"], over["total"]) == ("answered", 1, 1)
    own_archive.stop()
    assert own_archive.verify_audit()["ok"]
