"""What the archive does at its devices for people and programs: it searches there, sends them studies, and has them send
theirs. The devices
are Orthanc and DCMTK's `dcmqrscp` and `storescp`, plain and over TLS."""

import socket
import time

import pydicom
import pytest
from pydicom.uid import generate_uid

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Api
from yingdun_testkit.dcmtk import Listening, dcmqrscp
from yingdun_testkit.elsewhere import Elsewhere
from yingdun_testkit.installation import wait_until
from yingdun_testkit.orthanc import Orthanc, free_port
from yingdun_testkit.web import Web

PEOPLE = [
    "clinician", "radiologist", "chief", "technician", "researcher",
    "system-administrator", "security-administrator", "audit-administrator",
]
SCOPES = ["store", "search", "view", "export", "worklist"]


@pytest.fixture(scope="module")
def viewer(archive, tokens):
    """The API as a program that may search and view."""
    return archive.office.api(tokens.client(archive, "search", "view"))


class Other:
    """Another archive, as a device of this one, with studies that this one has not at first: two of one patient, one of
    another."""

    def __init__(self, title):
        self.title, patients = title, [("1", "Wang^Wei=王^伟"), ("1", "Wang^Wei=王^伟"), ("2", "Li^Ming=李^明")]
        self.images = [
            part10.image(
                patient_id=f"{title}-{number}", patient_name=name, seed=seed, AccessionNumber=f"{title}{seed}",
                StudyDate="20260102",
            )
            for seed, (number, name) in enumerate(patients, start=1)
        ]
        self.files = [part10.file_bytes(image) for image in self.images]

    def accessions(self, *seeds) -> list:
        return [f"{self.title}{seed}" for seed in seeds]


@pytest.fixture(scope="module", params=["orthanc-plain", "orthanc-tls", "dcmqrscp"])
def other(request, archive, tmp_path_factory):
    kind = request.param
    folder, title = tmp_path_factory.mktemp(kind), "EW" + kind.replace("-", "").upper()
    other = Other(title)
    if kind == "dcmqrscp":
        here = ("YINGDUN", *archive.addresses.dicom_plain)
        with dcmqrscp(folder, title=title, files=other.files, hosts=[here]) as theirs:
            archive.office.device(title, plain_allowed=True, destination=f"plain://127.0.0.1:{theirs.port}")
            yield other
        return
    host, port = archive.addresses.dicom_tls if kind == "orthanc-tls" else archive.addresses.dicom_plain
    here = {"AET": "YINGDUN", "Host": host, "Port": port, "UseDicomTls": kind == "orthanc-tls"}
    settings = {"DicomAet": title, "DicomModalities": {"yingdun": here}}
    settings |= {f"DicomAlwaysAllow{verb}": True for verb in ("Echo", "Store", "Find", "Move", "Get")}
    facts = {"plain_allowed": True}
    if kind == "orthanc-tls":
        identity = archive.issue_certificate(title, "127.0.0.1")
        settings |= {
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": identity["certificate_file"],
            "DicomTlsPrivateKey": identity["private_key_file"],
            "DicomTlsTrustedCertificates": str(archive.ca_file),
        }
        facts = {"certificate_sha256": identity["sha256"]}
    orthanc = Orthanc(folder, settings)
    for content in other.files:
        assert orthanc.ask("POST", "/instances", data=content).ok
    spelled = "" if kind == "orthanc-tls" else "plain://"
    archive.office.device(title, destination=f"{spelled}127.0.0.1:{orthanc.dicom}", **facts)
    yield other
    orthanc.stop()


def test_a_device_is_searched_and_each_row_is_decided(archive, viewer, other, tokens):
    office = archive.office
    ask = lambda api, keys, **more: api.post(f"/devices/{other.title}/find", {"keys": keys, **more}, 200)
    everything = {"PatientID": f"{other.title}-*"}
    found = ask(viewer, everything)
    accessions = lambda found: sorted(row["00080050"]["Value"][0] for row in found["rows"])
    assert accessions(found) == other.accessions(1, 2, 3) and not found["more"]
    assert accessions(ask(viewer, {"PatientName": "Li*", **everything, "StudyDate": "20260101-20260103"})) == other.accessions(3)
    leaves = office.leaves(kind="association", outcome="permitted", actor="client-search-view")
    assert any(leaf["reason"] == "search-destination" for leaf in leaves), "who asked for whom is on the ledger"
    cut = ask(viewer, everything, limit=1)
    assert len(cut["rows"]) == 1 and cut["more"]
    # A level below.
    study = found["rows"][0]["0020000D"]["Value"][0]
    series = ask(viewer, {"StudyInstanceUID": study}, level="series")["rows"]
    assert len(series) == 1
    series_uid = series[0]["0020000E"]["Value"][0]
    keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series_uid}
    assert len(ask(viewer, keys, level="instance")["rows"]) == 1
    # A clinician sees the patients in care, also of another archive.
    name = f"doctor-{other.title}".lower()
    doctor = office.api(office.person_token(name, "clinician"))
    assert ask(doctor, everything)["rows"] == []
    office.care(name, f"{other.title}-1")
    assert accessions(ask(doctor, everything)) == other.accessions(1, 2)
    technician = office.api(tokens.person(archive, "technician"))
    assert ask(technician, everything)["rows"] == []
    # What is no question is said so.
    for wrong in ({"keys": {"NoSuchKey": "1"}}, {"keys": {"PatientID": 1}}, {"keys": {}, "level": "series"}, {"keys": {}, "level": "x"}):
        answer = viewer.raw("POST", f"/devices/{other.title}/find", wrong)
        is_described = "NoSuchKey" in wrong["keys"] or wrong.get("level") == "series"
        assert answer.status_code == (422 if is_described else 400), f"{wrong}: {answer.text}"


def test_studies_come_by_c_get_as_if_the_device_had_stored_them(archive, gateway, viewer, other, tokens):
    path, studies = f"/devices/{other.title}/retrieve", [image.StudyInstanceUID for image in other.images]
    technician = archive.office.api(tokens.person(archive, "technician"))
    # What was never received here, a technician does not see.
    for by in ("get", "move"):
        technician.post(path, {"studies": studies[:1], "by": by}, 404)
    job = ended(viewer, viewer.post(path, {"studies": studies, "by": "get"}, 202))
    assert (job["kind"], job["state"], job["fault"]) == ("retrieve", "completed", None), job
    assert (job["completed"], job["failed"], job["total"]) == (3, 0, 3), job
    for image in other.images:
        assert part10.parse(gateway.file_of(image)).PixelData == image.PixelData
    leaves = archive.office.leaves(kind="access", action="store", outcome="permitted", actor=other.title)
    assert len(leaves) == 3, "each study was decided for the device, not for whoever asked"
    viewer.post(path, {"studies": studies, "by": "post"}, 400)


def test_what_somebody_may_see_elsewhere_is_brought_here(archive, gateway, viewer, other):
    studies = [image.StudyInstanceUID for image in other.images]
    job = ended(viewer, viewer.post(f"/devices/{other.title}/retrieve", {"studies": studies}, 202))
    assert (job["kind"], job["state"], job["fault"]) == ("retrieve", "completed", None), job
    assert (job["completed"], job["failed"], job["remaining"]) == (3, 0, 0), job
    for image in other.images:
        assert part10.parse(gateway.file_of(image)).PixelData == image.PixelData
    viewer.post(f"/devices/{other.title}/retrieve", {"studies": [*studies, "2.25.404"]}, 404)
    viewer.post(f"/devices/{other.title}/retrieve", {"studies": []}, 400)


def test_a_device_that_does_not_know_us_says_so_in_the_job(archive, viewer, tmp_path):
    image = part10.image(patient_id="STRANGE-1")
    with dcmqrscp(tmp_path, title="DVSTRANGE", files=[part10.file_bytes(image)]) as theirs:
        archive.office.device("DVSTRANGE", plain_allowed=True, destination=f"plain://127.0.0.1:{theirs.port}")
        job = ended(viewer, viewer.post("/devices/DVSTRANGE/retrieve", {"studies": [image.StudyInstanceUID]}, 202))
    assert job["state"] == "failed" and "A801" in job["fault"]["came"], job
    assert "register our AE title" in job["fault"]["do"]


def test_of_a_c_get_every_object_that_is_not_here_afterwards_is_named(archive, gateway, viewer, tmp_path):
    study = generate_uid()
    good, unsent, nameless = (part10.image(patient_id="00815", study=study, seed=seed) for seed in (1, 2, 3))
    unsent.SOPClassUID = unsent.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    del nameless.SeriesInstanceUID
    token = tmp_path / "token"
    token.write_text(viewer.token)
    admin = ["--server", archive.addresses.web, "--ca-file", archive.ca_file, "--token-file", token]
    with Elsewhere("DVGIVES", [good, unsent, nameless]) as theirs:
        archive.office.device(
            "DVGIVES", plain_allowed=True, destination=f"plain://127.0.0.1:{theirs.port}",
            habits={"coercions": [{"action": "trim-zeros", "attribute": "PatientID"}]},
        )
        retrieve = lambda: program.run_json(
            "device", "retrieve", "DVGIVES", study, "--by", "get", "--wait", *admin, code=1
        )
        job = retrieve()
        assert (job["state"], job["completed"], job["failed"], job["remaining"]) == ("completed", 1, 2, 0), job
        reasons = {failure["instance"]: failure["reason"] for failure in job["failures"]}
        assert set(reasons) == {unsent.SOPInstanceUID, nameless.SOPInstanceUID}
        assert reasons[unsent.SOPInstanceUID] == "the device did not send it"
        assert "(0020,000E) is missing" in reasons[nameless.SOPInstanceUID], reasons
        assert part10.parse(gateway.file_of(good)).PatientID == "00815", "kept as it came"
        (row,) = gateway.search("/studies", StudyInstanceUID=study)
        assert row["00100020"]["Value"] == ["815"], "and catalogued by the rules of the device"
        # Its rights count, and its record.
        archive.office.grant_device("DVGIVES")
        job = retrieve()
        assert (job["completed"], job["failed"]) == (0, 3), job
        assert any("refused" in failure["reason"] for failure in job["failures"])
        archive.office.device("DVMOVED", plain_allowed=True, addresses=["192.0.2.7"], destination=f"plain://127.0.0.1:{theirs.port}")
        job = ended(viewer, viewer.post("/devices/DVMOVED/retrieve", {"studies": [study], "by": "get"}, 202))
    assert job["state"] == "failed" and "record" in job["fault"]["expected"], job
    leaves = archive.office.leaves(kind="association", outcome="refused", actor="DVMOVED")
    assert [leaf["reason"] for leaf in leaves] == ["wrong-address"]


def test_a_c_get_over_tls_is_taken_from_the_certificate_of_the_record_only(archive, gateway, viewer):
    image = part10.image(patient_id="GETTLS-1")
    mine, others = (archive.issue_certificate(title, "127.0.0.1") for title in ("DVGETTLS", "DVOTHER"))
    path, body = "/devices/DVGETTLS/retrieve", {"studies": [image.StudyInstanceUID], "by": "get"}
    with Elsewhere("DVGETTLS", [image], mine, archive.ca_file) as theirs:
        record = {"destination": f"127.0.0.1:{theirs.port}", "addresses": ["127.0.0.1"]}
        archive.office.device("DVGETTLS", certificate_sha256=others["sha256"], **record)
        job = ended(viewer, viewer.post(path, body, 202))
        assert (job["state"], job["completed"]) == ("failed", 0), job
        leaves = archive.office.leaves(kind="association", outcome="refused", actor="DVGETTLS")
        assert [leaf["reason"] for leaf in leaves] == ["wrong-certificate"]
        right = {"called_ae": "YINGDUN", "certificate_sha256": mine["sha256"], **record}
        archive.office.system.put("/devices/DVGETTLS", right, 204)
        job = ended(viewer, viewer.post(path, body, 202))
    assert (job["state"], job["completed"]) == ("completed", 1), job
    assert part10.parse(gateway.file_of(image)).PixelData == image.PixelData


def test_a_c_get_that_is_cancelled_keeps_what_has_come(archive, gateway, viewer):
    study = generate_uid()
    images = [part10.image(patient_id="GETHALF-1", study=study, seed=seed) for seed in range(3)]
    with Elsewhere("DVHALF", images) as theirs:
        theirs.go_on.clear()
        archive.office.device("DVHALF", plain_allowed=True, destination=f"plain://127.0.0.1:{theirs.port}")
        job = viewer.post("/devices/DVHALF/retrieve", {"studies": [study], "by": "get"}, 202)
        assert theirs.in_the_middle.wait(60)
        assert viewer.raw("DELETE", f"/jobs/{job['job']}").status_code == 202
        job = ended(viewer, job)
    assert job["state"] == "cancelled", job
    assert [row["00080018"]["Value"][0] for row in gateway.search("/instances", StudyInstanceUID=study)] == [
        images[0].SOPInstanceUID
    ]


def files_of(folder) -> list:
    return sorted(folder.glob("*"))


@pytest.fixture(scope="module", params=["plain", "tls"])
def receiver(request, archive, tmp_path_factory):
    """`storescp` as a device: its title and the folder with what it received."""
    folder, title = tmp_path_factory.mktemp("received"), f"RECEIVER{request.param.upper()}"
    options, spelled = ["-aet", title, "--bit-preserving", "-od", folder], "plain://"
    if request.param == "tls":
        identity = archive.issue_certificate(title, "127.0.0.1")
        options += ["+tls", identity["private_key_file"], identity["certificate_file"], "+cf", archive.ca_file]
        spelled = ""
    with Listening("storescp", *options) as peer:
        archive.office.device(title, plain_allowed=True, destination=f"{spelled}127.0.0.1:{peer.port}")
        yield title, folder


def ended(api, job: dict) -> dict:
    """The job when it has ended."""
    look = lambda: api.get(f"/jobs/{job['job']}")
    wait_until(lambda: look()["state"] != "running", "the job ends", 30)
    return look()


def test_studies_series_and_instances_are_sent_as_a_job(archive, gateway, viewer, receiver, tmp_path):
    title, folder = receiver
    study, series = generate_uid(), [generate_uid(), generate_uid()]
    images = [
        part10.image(patient_id="SEND-1", study=study, series=series[seed % 2], seed=seed, InstanceNumber=seed)
        for seed in range(1, 6)
    ]
    gateway.must_store(*map(part10.file_bytes, images))
    begun = viewer.post(f"/devices/{title}/store", {"studies": [study]}, 202)
    assert (begun["device"], begun["total"]) == (title, 5)
    job = ended(viewer, begun)
    assert (job["state"], job["completed"], job["failed"], job["remaining"]) == ("completed", 5, 0, 0)
    came = {set_.SOPInstanceUID: set_ for set_ in (pydicom.dcmread(path, force=True) for path in files_of(folder))}
    assert {uid: came[uid].PixelData for uid in came} == {image.SOPInstanceUID: image.PixelData for image in images}
    # A part of it.
    for narrowed, expected in [({"series": [series[0]]}, 2), ({"instances": [images[0].SOPInstanceUID]}, 1)]:
        job = ended(viewer, viewer.post(f"/devices/{title}/store", {"studies": [study], **narrowed}, 202))
        assert job["completed"] == job["total"] == expected
    # By the command, to its end.
    token = tmp_path / "token"
    token.write_text(viewer.token)
    admin = ["--server", archive.addresses.web, "--ca-file", archive.ca_file, "--token-file", token]
    assert program.run_json("device", "store", title, study, "--wait", *admin)["completed"] == 5
    listed = program.run_json("job", "list", *admin)
    assert [row["total"] for row in listed[:4]] == [5, 1, 2, 5], "the newest first"
    assert program.run_json("job", "show", listed[0]["job"], *admin)["state"] == "completed"
    # Each job is on the ledger: who looked at the study, and for whom.
    leaves = archive.office.leaves(kind="access", outcome="permitted", study_uid=study, actor="client-search-view")
    assert leaves and all(leaf["action"] == "view" for leaf in leaves)
    sent_to = archive.office.leaves(kind="association", outcome="permitted", actor="client-search-view")
    assert any(leaf["reason"] == "move-destination" for leaf in sent_to)


def test_what_a_device_does_not_take_is_counted_and_named(archive, gateway, viewer):
    image = part10.image(patient_id="SEND-2")
    gateway.must_store(part10.file_bytes(image))
    archive.office.device("DVGONE", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    job = ended(viewer, viewer.post("/devices/DVGONE/store", {"studies": [image.StudyInstanceUID]}, 202))
    assert (job["state"], job["failed"]) == ("completed", 1)
    assert job["failures"][0]["instance"] == image.SOPInstanceUID and job["failures"][0]["reason"]
    answer = viewer.raw("POST", "/devices/DVGONE/find", {"keys": {"PatientID": "1"}})
    assert answer.status_code == 502 and "port" in answer.json()["do"], answer.text
    for path, body in [
        ("/devices/NOBODY/find", {"keys": {"PatientID": "1"}}),
        ("/devices/NOBODY/store", {"studies": [image.StudyInstanceUID]}),
        ("/devices/DVGONE/store", {"studies": ["2.25.404"]}),
    ]:
        viewer.post(path, body, 404)
    for wrong in ({"studies": []}, {"studies": ["x"]}, {"studies": ["1.2"] * 129}):
        viewer.post("/devices/DVGONE/store", wrong, 400)


def test_a_job_is_cancelled_by_its_owner_and_is_nobody_elses(archive, gateway, viewer, tokens):
    image = part10.image(patient_id="SEND-3")
    gateway.must_store(part10.file_bytes(image))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        archive.office.device("DVSILENT", plain_allowed=True, destination=f"plain://127.0.0.1:{silent.getsockname()[1]}")
        job = viewer.post("/devices/DVSILENT/store", {"studies": [image.StudyInstanceUID]}, 202)
        assert job["state"] == "running"
        stranger = archive.office.api(tokens.person(archive, "radiologist"))
        assert job["job"] not in [row["job"] for row in stranger.get("/jobs")]
        stranger.get(f"/jobs/{job['job']}", status=404)
        assert stranger.raw("DELETE", f"/jobs/{job['job']}").status_code == 404
        assert viewer.raw("DELETE", f"/jobs/{job['job']}").status_code == 202
        job = ended(viewer, job)
    assert (job["state"], job["remaining"]) == ("cancelled", 1)


def test_the_server_stops_in_bounded_time_while_a_job_waits_for_a_device(make_installation):
    installation = make_installation("stopping")
    web = Web(installation, installation.office.client_token("keeper", "store", "search", "view"))
    image = part10.image(patient_id="STOP-1")
    web.must_store(part10.file_bytes(image))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        installation.office.device("DVSILENT", plain_allowed=True, destination=f"plain://127.0.0.1:{silent.getsockname()[1]}")
        api = installation.office.api(web.token)
        job = api.post("/devices/DVSILENT/store", {"studies": [image.StudyInstanceUID]}, 202)
        assert api.get(f"/jobs/{job['job']}")["state"] == "running"
        began = time.monotonic()
        installation.stop()
        assert time.monotonic() - began < 20


def test_a_restart_knows_the_jobs_before_it_and_calls_those_interrupted_that_died_with_the_process(
    make_installation, tmp_path
):
    installation = make_installation("remembering")
    web = Web(installation, installation.office.client_token("keeper", "store", "search", "view"))
    image = part10.image(patient_id="REMEMBER-1")
    web.must_store(part10.file_bytes(image))
    installation.office.device("DVGONE", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    # At the address where it is now.
    here = lambda: Api(installation.addresses.web, installation.ca_file, web.token)
    token = tmp_path / "token"
    token.write_text(web.token)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        installation.office.device("DVSILENT", plain_allowed=True, destination=f"plain://127.0.0.1:{silent.getsockname()[1]}")
        send = lambda title: here().post(f"/devices/{title}/store", {"studies": [image.StudyInstanceUID]}, 202)
        told = ended(here(), send("DVGONE"))
        killed = send("DVSILENT")
        installation.kill()
        installation.start()
        api = here()
        job = api.get(f"/jobs/{killed['job']}")
        assert (job["state"], job["total"], job["remaining"]) == ("interrupted", 1, 1), job
        assert job["studies"] == [image.StudyInstanceUID] and job["device"] == "DVSILENT" and job["ended_ms"]
        assert "send again" in job["fault"]["do"], job["fault"]
        # A job that had ended says what it said.
        assert api.get(f"/jobs/{told['job']}") == told
        assert [row["job"] for row in api.get("/jobs")] == [killed["job"], told["job"]], "the newest first"
        # In order it is the same, and the command says that it ended badly.
        stopped = send("DVSILENT")
        installation.stop()
    installation.start()
    api = here()
    assert api.get(f"/jobs/{stopped['job']}")["state"] == "interrupted"
    admin = ["--server", installation.addresses.web, "--ca-file", installation.ca_file, "--token-file", token]
    shown = program.run("job", "show", stopped["job"], "--json", *admin)
    assert shown.returncode == 1 and '"interrupted"' in shown.stdout, shown
    # No name of what was sent where lies on the disk.
    databases = [path.read_bytes() for path in installation.directory.rglob("catalogue*") if path.is_file()]
    assert databases and not any(b"DVSILENT" in content for content in databases)


def test_who_may_have_devices_searched_and_sent_to(archive, gateway, tokens):
    office = archive.office
    image = part10.image(patient_id="SEND-4")
    gateway.must_store(part10.file_bytes(image))
    who = {role: tokens.person(archive, role) for role in PEOPLE}
    who |= {scope: tokens.client(archive, scope) for scope in SCOPES}
    answers = lambda path, body: {
        name: office.api(token).raw("POST", path, body).status_code for name, token in who.items()
    }
    # Nobody is there; whoever may ask hears that.
    may_search = {"clinician", "radiologist", "chief", "technician", "search", "view"}
    asked = [("find", {"keys": {"PatientID": "1"}})]
    asked += [("retrieve", {"studies": ["1.2"], "by": by}) for by in ("move", "get")]
    for verb, body in asked:
        found = answers(f"/devices/NOBODY/{verb}", body)
        assert found == {name: 404 if name in may_search else 403 for name in who}, verb
    sent = answers("/devices/NOBODY/store", {"studies": [image.StudyInstanceUID]})
    may_view = {"radiologist", "chief", "technician", "view"}
    assert {name for name, status in sent.items() if status == 404} >= may_view
    assert set(sent.values()) <= {403, 404}
    assert {name: office.api(token).raw("GET", "/jobs").status_code for name, token in who.items()} == {name: 200 for name in who}
    assert office.api("x" * 43).raw("GET", "/jobs").status_code == 401
