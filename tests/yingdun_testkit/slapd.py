"""A directory that nobody here wrote (OpenLDAP's slapd), on loopback, with people of the test's own."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from .nats import free_ports

BASE = "dc=hospital"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "root of the directory"
SERVICE, SERVICE_PASSWORD = f"cn=yingdun,{BASE}", "a service: 100% of the/test+"
PASSWORD = "correct horse of the directory"
SCHEMA, MODULES = Path("/etc/ldap/schema"), Path("/usr/lib/ldap")
SLAPD = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def require():
    """Skips a test where there is no slapd, or fails it where `YINGDUN_REQUIRE_LDAP` is set."""
    missing = [name for name, there in [("slapd", SLAPD), ("ldapmodify", shutil.which("ldapmodify"))] if not there]
    if missing:
        if os.environ.get("YINGDUN_REQUIRE_LDAP"):
            pytest.fail(f"{' and '.join(missing)} missing: script/bootstrap test installs slapd and ldap-utils")
        pytest.skip("slapd or ldap-utils is not installed")


def group(name: str) -> str:
    return f"cn={name},{GROUPS}"


class Slapd:
    """A directory; without a certificate it knows no TLS."""

    def __init__(self, folder: Path, issued=None, ca_file=None):
        self.folder = Path(folder)
        self.port, self.tls_port = free_ports(2)
        self.start_tls, self.ldaps = f"ldap://127.0.0.1:{self.port}", f"ldaps://127.0.0.1:{self.tls_port}"
        self.process, self.groups = None, {}
        tls = ""
        if issued:
            tls = (
                f"TLSCACertificateFile {ca_file}\nTLSCertificateFile {issued['certificate_file']}\n"
                f"TLSCertificateKeyFile {issued['private_key_file']}\nTLSVerifyClient never\n"
            )
        (self.folder / "db").mkdir()
        self.listens = [self.start_tls] + ([self.ldaps] if issued else [])
        (self.folder / "slapd.conf").write_text(f"""
include {SCHEMA}/core.schema
include {SCHEMA}/cosine.schema
include {SCHEMA}/inetorgperson.schema
modulepath {MODULES}
moduleload back_mdb.la
moduleload memberof.la
pidfile {self.folder}/slapd.pid
argsfile {self.folder}/slapd.args
{tls}
database mdb
suffix "{BASE}"
rootdn "{ROOT}"
rootpw "{ROOT_PASSWORD}"
directory {self.folder}/db
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{SERVICE}" read by anonymous auth by * none
""")

    def start(self):
        """Starts it, and waits until it answers; the first time with a tree that has nobody in it."""
        with open(self.folder / "slapd.log", "ab") as log:
            self.process = subprocess.Popen(
                [SLAPD, "-d", "256", "-h", " ".join(self.listens), "-f", self.folder / "slapd.conf"], stdout=log, stderr=log
            )
        until = time.monotonic() + 20
        while self._tool("ldapwhoami", "").returncode:
            assert self.process.poll() is None and time.monotonic() < until, (self.folder / "slapd.log").read_text()[-2000:]
            time.sleep(0.1)
        if not (self.folder / "filled").exists():
            self._fill()
            (self.folder / "filled").touch()
        return self

    def stop(self):
        process, self.process = self.process, None
        if process is not None:
            process.terminate()
            process.wait(timeout=20)

    def freeze(self, frozen: bool):
        """Lets it hang: it takes connections, and answers nothing."""
        import signal

        self.process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    # === people ===

    def person(self, uid: str, *groups: str, below=PEOPLE, password=PASSWORD, ou=None) -> str:
        """Enters somebody, who is in these groups; gives the subject."""
        dn = f"uid={uid},{below}"
        more = f"ou: {ou}\n" if ou else ""
        secret = f"userPassword: {password}\n" if password else ""
        self.modify(f"dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n{secret}{more}")
        self.move(uid, *groups, below=below)
        return self.subject(dn)

    def move(self, uid: str, *groups: str, below=PEOPLE):
        """Whoever is in these groups, and in no others."""
        dn = f"uid={uid},{below}"
        for name, members in self.groups.items():
            if dn in members and name not in groups:
                members.discard(dn)
                self.modify(f"dn: {group(name)}\nchangetype: modify\ndelete: member\nmember: {dn}\n")
        for name in groups:
            if name not in self.groups:
                self.groups[name] = {SERVICE}
                self.modify(f"dn: {group(name)}\nchangetype: add\nobjectClass: groupOfNames\ncn: {name}\nmember: {SERVICE}\n")
            if dn not in self.groups[name]:
                self.groups[name].add(dn)
                self.modify(f"dn: {group(name)}\nchangetype: modify\nadd: member\nmember: {dn}\n")

    def disable(self, uid: str, disabled=True):
        """What `disabled_filter` of the tests asks for."""
        change = "add: employeeType\nemployeeType: disabled" if disabled else "delete: employeeType"
        self.modify(f"dn: uid={uid},{PEOPLE}\nchangetype: modify\n{change}\n")

    def remove(self, uid: str):
        """Takes somebody out, and then out of the groups: slapd by itself leaves the names of those who are gone in them."""
        self.modify(f"dn: uid={uid},{PEOPLE}\nchangetype: delete\n")
        self.move(uid)

    def subject(self, dn: str) -> str:
        found = self._tool("ldapsearch", "", "-LLL", "-s", "base", "-b", dn, "entryUUID")
        assert found.returncode == 0, found.stderr
        return found.stdout.split("entryUUID: ")[1].strip()

    def modify(self, ldif: str):
        done = self._tool("ldapmodify", ldif)
        assert done.returncode == 0, done.stderr + ldif

    # === helpers ===

    def _fill(self):
        refers = "ldap://127.0.0.1:1/ou=elsewhere"
        entries = [
            f"dn: {BASE}\nchangetype: add\nobjectClass: dcObject\nobjectClass: organization\no: hospital\n",
            *(
                f"dn: {ou}\nchangetype: add\nobjectClass: organizationalUnit\nou: {ou[3:].split(',')[0]}\n"
                for ou in (PEOPLE, GROUPS, f"ou=others,{BASE}", f"ou=nobody,{BASE}")
            ),
            f"dn: {SERVICE}\nchangetype: add\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: yingdun\n"
            f"userPassword: {SERVICE_PASSWORD}\n",
            f"dn: ou=remote,{PEOPLE}\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\nou: remote\nref: {refers}\n",
        ]
        for entry in entries:
            self.modify(entry)

    def _tool(self, name: str, said: str, *arguments) -> subprocess.CompletedProcess:
        """A tool of OpenLDAP as the root of the directory, which needs no TLS on loopback."""
        command = [name, "-x", "-H", self.start_tls, "-D", ROOT, "-w", ROOT_PASSWORD, *arguments]
        return subprocess.run(command, input=said, capture_output=True, text=True, timeout=30, check=False)
