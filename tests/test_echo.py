"""The echo test says at which step a connection fails, why, and what to do: from the command line, and from the archive
to its devices. The peers are DCMTK's `storescp` and Orthanc, plain and over TLS, and ports where nobody is or nobody speaks."""

import socket

import pytest

from yingdun_testkit import program
from yingdun_testkit.dcmtk import Listening
from yingdun_testkit.orthanc import Orthanc, free_port


@pytest.fixture(scope="module")
def storescp():
    with Listening("storescp", "-aet", "STORESCP", "--ignore") as peer:
        yield peer


@pytest.fixture(scope="module")
def secure_storescp(archive):
    identity = archive.issue_certificate("STORETLS", "127.0.0.1")
    tls = ["+tls", identity["private_key_file"], identity["certificate_file"], "+cf", str(archive.ca_file)]
    with Listening("storescp", "-aet", "STORETLS", "--ignore", *tls) as peer:
        yield peer


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """One that checks both titles."""
    settings = {
        "DicomAet": "STRICT",
        "DicomCheckCalledAet": True,
        "DicomModalities": {"known": ["KNOWN", "127.0.0.1", 104]},
        "DicomAlwaysAllowEcho": False,
    }
    peer = Orthanc(tmp_path_factory.mktemp("strict"), settings)
    yield peer
    peer.stop()


@pytest.fixture
def silent():
    """A port that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def echo(peer, *options, code):
    """The report of a test from the command line."""
    return program.run_json("echo", peer, "--wait", 5, *options, code=code)


def test_a_peer_that_answers_has_a_time_for_each_step(storescp, secure_storescp, archive):
    plain = echo(f"ANY@localhost:{storescp.port}", code=0)
    assert plain["fault"] is None and plain["status"] == 0
    assert [step["step"] for step in plain["steps"]] == ["resolve", "connect", "associate", "echo"]
    ours = archive.issue_certificate("ECHOSCU")
    files = ["--certificate-file", ours["certificate_file"], "--private-key-file", ours["private_key_file"]]
    secure = echo(f"ANY@127.0.0.1:{secure_storescp.port}", "--ca-file", archive.ca_file, *files, code=0)
    assert [step["step"] for step in secure["steps"]] == ["resolve", "connect", "tls", "associate", "echo"]
    assert 0 < secure["ms"] < 5000


def test_each_way_not_to_answer_has_its_cause_and_its_remedy(storescp, secure_storescp, orthanc, archive, silent):
    tls, (_, ours) = ["--ca-file", archive.ca_file], archive.addresses.dicom_plain
    for expected, peer, options in [
        (("resolve", "name-unknown"), "ANY@no-such-host.invalid:104", []),
        (("connect", "port-closed"), f"ANY@127.0.0.1:{free_port()}", []),
        (("associate", "association-silent"), f"ANY@127.0.0.1:{silent}", ["--wait", 1]),
        (("tls", "tls-silent"), f"ANY@127.0.0.1:{silent}", [*tls, "--wait", 1]),
        (("associate", "calling-ae-unknown"), f"YINGDUN@127.0.0.1:{ours}", ["--calling", "STRANGER"]),
        # Orthanc accepts the association of whom it does not know, and aborts it then.
        (("echo", "aborted"), f"STRICT@127.0.0.1:{orthanc.dicom}", ["--calling", "STRANGER"]),
        (("associate", "called-ae-unknown"), f"OTHER@127.0.0.1:{orthanc.dicom}", ["--calling", "KNOWN"]),
        (("associate", "not-dicom"), f"ANY@127.0.0.1:{orthanc.http}", []),
    ]:
        fault = program.run_json("echo", peer, *options, code=1)["fault"]
        assert (fault["step"], fault["cause"]) == expected, fault
        assert fault["expected"] and fault["came"] and fault["remedy"]
    assert echo(f"STRICT@127.0.0.1:{orthanc.dicom}", "--calling", "KNOWN", code=0)["fault"] is None
    plain_where_tls_is_due = echo(f"ANY@127.0.0.1:{secure_storescp.port}", code=1)["fault"]
    assert plain_where_tls_is_due["cause"] in ("tls-expected", "hung-up"), plain_where_tls_is_due
    assert "TLS" in plain_where_tls_is_due["remedy"]
    tls_where_none_is = echo(f"ANY@127.0.0.1:{storescp.port}", *tls, code=1)["fault"]
    assert tls_where_none_is["cause"] in ("tls-not-spoken", "tls-hung-up"), tls_where_none_is
    no_certificate = echo(f"ANY@127.0.0.1:{secure_storescp.port}", *tls, code=1)["fault"]
    assert no_certificate["cause"] in ("certificate-wanted", "tls-refused"), no_certificate
    not_our_name = echo(f"ANY@localhost:{secure_storescp.port}", *tls, code=1)["fault"]
    assert not_our_name["cause"] == "peer-certificate-other-host"


def test_a_person_reads_it_in_two_languages():
    peer = f"ANY@127.0.0.1:{free_port()}"
    english = program.run("echo", peer, env={"LC_ALL": "C.UTF-8"})
    assert english.returncode == 1 and "remedy: check the port number" in english.stdout
    chinese = program.run("echo", peer, env={"LC_ALL": "zh_CN.UTF-8"})
    assert "处理：检查端口号" in chinese.stdout


def test_the_archive_tries_its_devices_and_says_what_is_wrong(archive, storescp, secure_storescp, tmp_path):
    system = archive.office.system
    for title, port, spelled, cause in [
        ("ECHOPLAIN", storescp.port, "plain://", None),
        ("STORETLS", secure_storescp.port, "", None),
        ("ECHOCLOSED", free_port(), "plain://", "port-closed"),
        ("ECHODEAF", storescp.port, "", "tls-hung-up tls-not-spoken"),
    ]:
        archive.office.device(title, plain_allowed=True, destination=f"{spelled}127.0.0.1:{port}")
        report = system.post(f"/devices/{title}/echo", {"called_ae": "YINGDUN"}, 200)
        assert report["peer"] == f"{title}@127.0.0.1:{port}" and report["tls"] == (spelled == "")
        if cause is None:
            assert report["fault"] is None and report["status"] == 0, report
        else:
            assert report["fault"]["cause"] in cause.split(), report
    # By the command, with its exit code.
    token = tmp_path / "token"
    token.write_text(system.token)
    admin = ["--server", archive.addresses.web, "--ca-file", archive.ca_file, "--token-file", token]
    assert program.run_json("device", "echo", "ECHOPLAIN", *admin)["fault"] is None
    assert program.run_json("device", "echo", "ECHOCLOSED", *admin, code=1)["fault"]["step"] == "connect"
    # Who is tried stands on the ledger; who cannot be tried is said so.
    leaves = archive.office.leaves(
        kind="association", action="echo", actor=archive.office.names["system-administrator"]
    )
    assert leaves and all(leaf["outcome"] == "permitted" for leaf in leaves)
    system.post("/devices/ECHONOBODY/echo", {"called_ae": "YINGDUN"}, 404)
    archive.office.device("ECHONOWHERE", plain_allowed=True)
    system.post("/devices/ECHONOWHERE/echo", {"called_ae": "YINGDUN"}, 409)
    system.post("/devices/ECHOPLAIN/echo", {"called_ae": "OTHER"}, 404)
