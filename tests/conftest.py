"""Fixtures: the shared archive that tests only add to, and installations of a test's own."""

import contextlib
import os
import shutil

import pytest

from yingdun_testkit import browser, part10, postgres, program
from yingdun_testkit.administration import Office
from yingdun_testkit.dcmtk import Listening, Peer
from yingdun_testkit.installation import Installation
from yingdun_testkit.ward import Ward
from yingdun_testkit.web import Web
from yingdun_testkit.workstation import Entity


def pytest_configure(config):
    if not program.binary().is_file():
        raise pytest.UsageError(
            f"{program.binary()} is missing: build it with `cargo build --release` or name another in YINGDUN_BINARY"
        )


class Installations:
    """Makes installations and removes them: packs and pre-allocated journals add up, and so do servers."""

    def __init__(self, tmp_path_factory):
        self.folders, self.made = tmp_path_factory, []
        # Made once, before a rig asks for folders on several threads.
        tmp_path_factory.getbasetemp()

    def make(self, name: str, *, serve=True, shared=False, **options) -> Installation:
        """An installation until the end of the test or module that makes it; a shared one until the end of all."""
        installation = Installation(self.folders.mktemp(name), **options)
        self.made.append((installation, shared))
        if serve:
            installation.start()
            installation.office = Office(installation)
        return installation

    def remove(self, removed):
        """Ends the servers. What a failed test needs is in its message."""
        for entry in removed:
            # In place: a rig makes and removes on several threads.
            self.made.remove(entry)
            installation = entry[0]
            installation.kill()
            shutil.rmtree(installation.directory, ignore_errors=True)

    def remove_one(self, installation: Installation):
        """Removes one before its test ends: a long run makes more than there is room for at once."""
        self.remove([entry for entry in self.made if entry[0] is installation])

    @contextlib.contextmanager
    def removed_afterwards(self):
        before = list(self.made)
        yield
        self.remove([entry for entry in self.made if entry not in before and not entry[1]])


@pytest.fixture(scope="session")
def installations(tmp_path_factory):
    made = Installations(tmp_path_factory)
    yield made
    made.remove(list(made.made))


@pytest.fixture(scope="module", autouse=True)
def removes_what_its_fixtures_made(installations):
    with installations.removed_afterwards():
        yield


@pytest.fixture(autouse=True)
def removes_what_it_made(installations):
    with installations.removed_afterwards():
        yield


@pytest.fixture(scope="session")
def make_installation(installations):
    return installations.make


@pytest.fixture(scope="session")
def postgres_cluster():
    """A PostgreSQL server. Missing, it fails the tests where `YINGDUN_REQUIRE_POSTGRES` is set."""
    if postgres.programs() is None:
        if os.environ.get("YINGDUN_REQUIRE_POSTGRES"):
            pytest.fail("PostgreSQL is missing: script/bootstrap test installs it")
        pytest.skip("PostgreSQL is not installed")
    with postgres.Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def sqlite_archive(make_installation):
    return make_installation("archive", shared=True)


@pytest.fixture(scope="session")
def archive(sqlite_archive):
    """An archive for tests that add to it and break nothing: each uses patients and studies of its own."""
    return sqlite_archive


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def archive_on(request, sqlite_archive, make_installation):
    """The same on each database engine, for the core flows."""
    if request.param == "sqlite":
        return sqlite_archive
    cluster = request.getfixturevalue("postgres_cluster")
    return make_installation("archive-postgres", shared=True, databases=cluster.databases_of_an_installation())


@pytest.fixture(scope="session")
def tokens():
    """Tokens by installation and name, made when first asked for."""
    return Tokens()


@pytest.fixture(scope="module")
def chromium():
    """A browser. It ends with its module: its event loop would be in the way of other tests of this process. Missing, it fails the tests where `YINGDUN_REQUIRE_BROWSER` is set."""
    if browser.executable() is None:
        if os.environ.get("YINGDUN_REQUIRE_BROWSER"):
            pytest.fail("Chromium is missing: script/bootstrap test installs it")
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser.executable(), args=browser.ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def ward(make_installation):
    """People of every role and studies with pictures, for tests of the console; they add to it and break nothing."""
    return Ward(make_installation("ward", shared=True))


@pytest.fixture
def desk(chromium, ward):
    """Opens browser windows, each for a person of a role; every window is judged at the end of the test."""
    if not browser.has_console(ward.installation, ward.tokens["clinician"]):
        if os.environ.get("YINGDUN_REQUIRE_BROWSER"):
            pytest.fail("the program has no console: script/console build, and build it again")
        pytest.skip("the program was built without the console")
    opened = []

    def open_one(role, **looks):
        token = ward.tokens[role] if role is not None else None
        opened.append(browser.Desk(chromium, ward.installation, token, **looks))
        return opened[-1]

    yield open_one
    try:
        for one in opened:
            one.check()
    finally:
        for one in opened:
            one.close()


class Tokens:
    """Tokens of service clients and people that many tests share."""

    def __init__(self):
        self.made = {}

    def client(self, installation, *scopes) -> str:
        return self._once(
            installation, scopes, lambda: installation.office.client_token("client-" + "-".join(scopes), *scopes)
        )

    def person(self, installation, role) -> str:
        return self._once(installation, role, lambda: installation.office.person_token(f"the-{role}", role))

    def _once(self, installation, name, make):
        key = (str(installation.directory), name)
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]


@pytest.fixture(scope="session")
def gateway(archive, tokens) -> Web:
    """DICOMweb on the shared archive with every scope that a service client can have."""
    return Web(archive, tokens.client(archive, "store", "search", "view"))


@pytest.fixture(scope="session")
def gateway_on(archive_on, tokens) -> Web:
    """The same on each database engine."""
    return Web(archive_on, tokens.client(archive_on, "store", "search", "view"))


# === for queries and retrievals ===


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def workstation(archive):
    """A device that may search and view, over TLS."""
    identity = archive.issue_certificate("WS01")
    archive.office.device("WS01", certificate_sha256=identity["sha256"])
    archive.office.grant_device("WS01", "view")
    return Peer("WS01", identity=identity, ca_file=archive.ca_file)


@pytest.fixture(scope="session")
def plain_workstation(archive):
    """The same in plain, where the record spells that out."""
    archive.office.device("WSPLAIN", plain_allowed=True)
    archive.office.grant_device("WSPLAIN", "view")
    return Peer("WSPLAIN")


@pytest.fixture(scope="session")
def entity(archive, workstation):
    return Entity(archive, "WS01", workstation.identity)


@pytest.fixture(scope="session")
def storescp(archive, tmp_path_factory):
    """DCMTK's storescp as a destination, over TLS with a certificate of its own."""
    folder = tmp_path_factory.mktemp("storescp")
    identity = archive.issue_certificate("SCP01", "localhost", "127.0.0.1")
    arguments = ["+tls", identity["private_key_file"], identity["certificate_file"], "+cf", archive.ca_file]
    with Listening("storescp", *arguments, "-aet", "SCP01", "-od", folder, "+B") as listening:
        archive.office.device(
            "SCP01", certificate_sha256=identity["sha256"], addresses=["127.0.0.1"], destination=f"localhost:{listening.port}"
        )
        yield folder
