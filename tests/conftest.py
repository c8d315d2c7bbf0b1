"""Fixtures: the shared archive that tests only add to, and installations of a test's own."""

import os
import shutil

import pytest

from yingdun_testkit import postgres, program
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import Installation
from yingdun_testkit.web import Web


def pytest_configure(config):
    if not program.binary().is_file():
        raise pytest.UsageError(
            f"{program.binary()} is missing: build it with `cargo build --release` or name another in YINGDUN_BINARY"
        )


@pytest.fixture(scope="session")
def make_installation(tmp_path_factory):
    """Makes installations, and ends their servers when the tests are over."""
    made = []

    def make(name: str, *, serve=True, **options) -> Installation:
        installation = Installation(tmp_path_factory.mktemp(name), **options)
        made.append(installation)
        if serve:
            installation.start()
            installation.office = Office(installation)
        return installation

    yield make
    for installation in made:
        installation.kill()
        # Packs and pre-allocated journals add up; what a failed test needs is in its message.
        shutil.rmtree(installation.directory, ignore_errors=True)


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
    return make_installation("archive")


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
    return make_installation("archive-postgres", databases=cluster.databases_of_an_installation())


@pytest.fixture(scope="session")
def tokens():
    """Tokens by installation and name, made when first asked for."""
    return Tokens()


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
