"""What an operator relies on: metrics that are what the README says, and a stop that ends in time."""

import re
import shutil
import signal
import socket
import ssl
import time
from urllib.parse import urlparse

import pytest
from pydicom.dataset import Dataset

from yingdun_testkit import part10, program
from yingdun_testkit.dcmtk import Peer
from yingdun_testkit.installation import wait_until
from yingdun_testkit.keeper import Keeper
from yingdun_testkit.modality import Modality, ask
from yingdun_testkit.web import Web

#: Seconds that open answers have to finish (`DRAIN_TIME_MAX`), and what else a stop may take on a loaded machine.
DRAIN_SECONDS, STOP_SECONDS_MAX = 30, 60

#: Labels that the text format itself adds.
OF_THE_FORMAT = {"le", "quantile"}


@pytest.fixture(scope="module")
def used(make_installation, tmp_path_factory):
    """A server that has met everything that has a metric: work, refusals, damaged and lost replicas."""
    installation = make_installation("operated")
    office = installation.office
    token = office.client_token("operator", "store", "search", "view")
    office.device("METER", plain_allowed=True)
    image = part10.image(patient_id="operated")
    Web(installation, token).must_store(part10.file_bytes(image))
    installation.stop()  # seals the pack
    far = tmp_path_factory.mktemp("far") / "packs"
    with open(installation.config, "a") as config:
        config.write(f'\n[[storage.offsite]]\nurl = "file://{far}"\nlabel = "far"\nfailure_domain = "building-2"\n')
        config.write('\n[[gateway.deny]]\nname = "scanners"\npath = "sqlmap"\n')
    installation.start()
    office.sign_in_officers()

    # Metrics belong to a process: all that follows is counted by this one.
    web = Web(installation, token)
    another = part10.file_bytes(part10.image(patient_id="operated"))
    web.must_store(another)
    assert Web(installation, office.client_token("reader", "view")).store(another).status_code == 403
    assert office.try_sign_in("nobody").status_code == 401
    path = tmp_path_factory.mktemp("sent") / "one.dcm"
    path.write_bytes(another)
    modality = Modality(installation, "METERED")
    association = modality.associate()
    transaction, _ = ask(association, [(image.SOPClassUID, image.SOPInstanceUID)])
    modality.wait_for(transaction)
    association.release()
    # A question that nobody takes, and an answer that nobody asked for.
    office.api(token).post("/devices/METERED/commit", {"studies": [image.StudyInstanceUID]}, 202)
    wait_until(lambda: "yingdun_commitment_requests_total" in exposed(installation), "a question is put", 60)
    unasked = Dataset()
    unasked.TransactionUID = "2.25.404"
    assert Keeper("METERED").tell(installation.addresses.dicom_plain, unasked) == 0x0115
    assert Peer("METER").store(installation.addresses.dicom_plain, path).returncode == 0
    office.grant_device("METER", "store", "view")
    keys = ["QueryRetrieveLevel=STUDY", f"StudyInstanceUID={image.StudyInstanceUID}"]
    for verb in (Peer("METER").find, Peer("METER").get):
        assert verb(installation.addresses.dicom_plain, "-S", tmp_path_factory.mktemp("got"), *keys)[0].returncode == 0
    assert Peer("UNKNOWN").echo(installation.addresses.dicom_plain).returncode != 0
    # One replica is read when all is well, and only its damage is met.
    for replica in installation.replicas:
        intact = damage(replica)
        assert part10.parse(web.file_of(image)) == image
        if office.metrics()["yingdun_storage_quarantined_total"] > 0:
            break
        for path, content in intact.items():
            with open(path, "r+b") as file:
                file.write(content)
    else:
        raise AssertionError("no replica is read")
    shutil.rmtree(installation.replicas[0] / "packs")
    assert part10.parse(web.file_of(image)) == image
    wait_until(lambda: office.metrics()["yingdun_storage_repaired_packs_total"] > 0, "a repair", 60)
    office.system.post("/system/scrub", None, 202)
    wait_until(lambda: "yingdun_storage_scrub_age_days" in office.metrics(), "a scrub", 60)
    wait_until(lambda: "yingdun_storage_offsite_sent_bytes_total" in office.metrics(), "a pack off-site", 60)
    # Leaves are integrated behind their appending, and a time of it is there after the first.
    wait_until(lambda: office.metrics()["yingdun_audit_integrate_seconds_count"] > 0, "an integration", 60)
    return installation


def damage(replica) -> dict:
    """Flips a bit in each kilobyte of each pack, behind its head; gives what was there before."""
    intact = {path: path.read_bytes() for path in (replica / "packs").rglob("*") if path.is_file()}
    for path, content in intact.items():
        damaged = bytearray(content)
        for place in range(4096, len(damaged), 1024):
            damaged[place] ^= 1
        with open(path, "r+b") as file:
            file.write(damaged)
    return intact


def exposed(installation) -> dict:
    """Families on `/metrics` with the names of their labels."""
    families = {}
    for line in installation.office.system.raw("GET", "/metrics", prefix="").text.splitlines():
        if line and not line.startswith("#"):
            name, labels = re.fullmatch(r"(\w+)(?:\{(.*)\})? \S+", line).groups()
            name = re.sub(r"_(bucket|sum|count)$", "", name)
            found = set(re.findall(r'(\w+)="', labels or "")) - OF_THE_FORMAT
            families.setdefault(name, set()).update(found)
    return families


def promised() -> dict:
    """The same, as the README lists them."""
    readme = (program.REPOSITORY / "README.md").read_text()
    section = readme.split("## Metrics", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    listed = re.findall(r"`(\w+)(?:\{([\w,]+)\})?`", "\n".join(rows))
    return {f"yingdun_{name}": set(filter(None, labels.split(","))) for name, labels in listed}


def test_the_metrics_of_a_used_server_are_those_of_the_readme(used):
    assert exposed(used) == promised()


def test_queries_and_retrievals_are_counted_by_verb_and_by_nothing_else(used):
    lines = used.office.system.raw("GET", "/metrics", prefix="").text.splitlines()
    counted = [line for line in lines if line.startswith(("yingdun_dimse_operations", "yingdun_dimse_suboperations"))]
    assert sorted(counted) == [
        'yingdun_dimse_operations_total{verb="find",result="success"} 1',
        'yingdun_dimse_operations_total{verb="get",result="success"} 1',
        'yingdun_dimse_suboperations_total{verb="get",result="completed"} 1',
    ]


def test_what_wakes_somebody_is_there_before_it_happens(make_installation):
    fresh = make_installation("fresh")
    for name in ("audit_failed", "storage_lost_records_total", "storage_replica_ready", "read_bypassed_total"):
        wait_until(lambda name=name: f"yingdun_{name}" in exposed(fresh), name, 30)


def test_a_stalled_download_does_not_hold_up_a_stop_and_is_on_the_ledger(make_installation):
    installation = make_installation("stalled")
    office = installation.office
    token = office.client_token("slow-viewer", "store", "view")
    image = part10.image(patient_id="stalled", rows=5000, columns=5000)
    Web(installation, token).must_store(part10.file_bytes(image))
    address = urlparse(installation.addresses.web)
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect((address.hostname, address.port))
    trust = ssl.create_default_context(cafile=str(installation.ca_file))
    with trust.wrap_socket(plain, server_hostname=address.hostname) as stalled:
        request = f"GET /dicom-web/studies/{image.StudyInstanceUID} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        stalled.sendall(f"{request}Authorization: Bearer {token}\r\n\r\n".encode())
        assert stalled.recv(100).startswith(b"HTTP/1.1 200")
        process, began = installation.process, time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS_MAX) == 0, installation.log_tail()
        took = time.monotonic() - began
    assert took >= DRAIN_SECONDS - 1, f"the download had {took:.1f} s to finish"
    installation.process = None
    assert installation.verify_audit()["ok"]
    installation.start()
    office.sign_in_officers()
    closed = office.leaves(kind="access-closed", study_uid=image.StudyInstanceUID, actor="slow-viewer")
    opened = office.leaves(kind="access", study_uid=image.StudyInstanceUID, actor="slow-viewer")
    assert len(closed) == len(opened) >= 1, "every access has its closing leaf"
