"""A PostgreSQL server of the tests' own, reached by a Unix socket in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

#: Where Debian puts the server programs, one folder per version.
DEBIAN = Path("/usr/lib/postgresql")
#: PostgreSQL refuses to run as root; Debian's package makes this account for it.
SYSTEM_USER = "postgres"


def programs() -> Path | None:
    """The folder of the newest server, or `None`."""
    found = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A cluster that lives as long as this object's `with` block."""

    def __init__(self):
        self.programs = programs()
        self.directory = Path(tempfile.mkdtemp(prefix="yingdun-pg-"))
        self.databases = 0
        self._as = []
        if os.getuid() == 0:
            account = pwd.getpwnam(SYSTEM_USER)
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self._as = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]

    def __enter__(self):
        data = self.directory / "data"
        self._run("initdb", "-D", data, "-U", "yingdun", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        # Durability of the tests' own database is not under test here; kills of the archive are.
        options = f"-k {self.directory} -c listen_addresses= -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "-D", data, "-o", options, "-l", self.directory / "log", "-w", "-s", "start")
        return self

    def __exit__(self, *_):
        self._run("pg_ctl", "-D", self.directory / "data", "-m", "immediate", "-s", "stop")
        shutil.rmtree(self.directory, ignore_errors=True)

    def databases_of_an_installation(self) -> dict:
        """Three fresh databases, as options of `init`."""
        made = {}
        for name in ("catalogue", "keys", "identity"):
            self.databases += 1
            database = f"{name}_{self.databases}"
            self._run("createdb", "-h", self.directory, "-U", "yingdun", database)
            made[name] = f"postgres://yingdun@/{database}?host={self.directory}"
        return made

    def dump(self, database_url: str) -> bytes:
        """Everything in a database, as `pg_dump` writes it."""
        name = database_url.split("?")[0].rsplit("/", 1)[1]
        return self._run("pg_dump", "-h", self.directory, "-U", "yingdun", name).stdout

    def sql(self, database: str, statement: str):
        """Runs a statement in a database."""
        words = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.directory, "-U", "yingdun", "-d", database]
        self._run("psql", *words, "-c", statement)

    def rows(self, database_url: str, query: str) -> list:
        """The rows of a query, as texts."""
        name = database_url.split("?")[0].rsplit("/", 1)[1]
        words = ["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.directory, "-U", "yingdun", "-d", name]
        text = self._run("psql", *words, "-c", query).stdout.decode()
        return [line.split("\t") for line in text.splitlines() if line]

    def _run(self, program, *arguments):
        command = [*self._as, str(self.programs / program), *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, cwd=self.directory)
