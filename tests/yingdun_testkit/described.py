"""What the served OpenAPI says, held against what the server does: runs of schemathesis as several people."""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from . import part10
from .administration import Office
from .installation import Installation
from .web import Web

#: Everything that schemathesis can check of this API. Who may see which object is what the route × identity matrix is for.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,positive_data_acceptance,missing_required_header,"
    "unsupported_method,allow_header_conformance,use_after_free,ensure_resource_availability,ignored_auth"
)

#: How answers are judged.
CONFIG = Path(__file__).parents[1] / "schemathesis.toml"

#: Who asks, beside a stranger's requests that schemathesis makes itself: every office, and those who treat.
ROLES = (
    "system-administrator",
    "security-administrator",
    "audit-administrator",
    "radiologist",
    "chief",
    "clinician",
    "client",
)

#: A run asks faster than people may.
_RATE = {"PER_SECOND": "100000", "BURST": "1000000"}
SETTINGS = {
    f"GATEWAY__{who}__{what}__{name}": value
    for who, whats in {
        "ADDRESS": ("CONNECTIONS", "STRANGERS"),
        "PERSON": ("READING", "STORE", "SEARCH", "ADMINISTRATION", "BULK"),
        "CLIENT": ("READING", "STORE", "SEARCH", "ADMINISTRATION", "BULK"),
    }.items()
    for what in whats
    for name, value in _RATE.items()
}


def schemathesis() -> str | None:
    """The program, beside this Python or in the path."""
    beside = Path(sys.executable).with_name("st")
    return str(beside) if beside.is_file() else shutil.which("st")


@dataclass
class Run:
    """What one run found."""

    role: str
    seed: int
    code: int
    cases: int
    operations: int
    failures: list = field(default_factory=list)
    output: str = ""


def tokens_of(installation) -> dict:
    """A token for each of `ROLES`. An image is there, and somebody whom they may look up."""
    office = installation.office
    made = {
        "system-administrator": office.system.token,
        "security-administrator": office.security.token,
        "audit-administrator": office.audit.token,
        "radiologist": office.person_token("the-radiologist", "radiologist"),
        "chief": office.person_token("the-chief", "chief"),
        "clinician": office.person_token("the-clinician", "clinician"),
        "client": office.client_token("the-program", "store", "search", "view", "export", "worklist", "vault"),
    }
    Web(installation, made["client"]).must_store(part10.file_bytes(part10.image(patient_id="D-1", seed=41)))
    return made


def run(installation, role: str, token: str, seed: int, seconds: int, folder: Path, only=None) -> Run:
    """One run of schemathesis against the document that the server gives out."""
    report = folder / f"{role}-{seed}.json"
    report.unlink(missing_ok=True)
    command = [
        schemathesis(), "--config-file", str(CONFIG), "run", f"{installation.addresses.web}/api/openapi.json",
        "--checks", CHECKS, "--phases", "coverage,fuzzing,stateful", "--header", f"Authorization: Bearer {token}", "--tls-verify", str(installation.ca_file),
        "--seed", str(seed), "--max-time", str(seconds), "--continue-on-failure", "--no-color", "--no-shrink",
        "--generation-database", "none", "--suppress-health-check", "all", "--request-timeout", "30",
        "--report", "json", "--report-json-path", str(report),
    ]  # fmt: skip
    for word in only or ():
        command += ["--include-operation-id", word]
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds + 240)
    said = done.stdout + done.stderr
    assert report.is_file(), said
    found = json.loads(report.read_text())
    failures = [*found["failures"], *found["errors"]]
    return Run(role, seed, done.returncode, found["test_cases"]["generated"], found["operations"]["tested"], failures, said)


# === as a program ===


def main() -> int:
    """All roles one after the other, each for its share of the time; ends with one line."""
    parser = argparse.ArgumentParser(description="Holds a server against the OpenAPI that it serves.")
    parser.add_argument("--seconds", type=int, default=600, help="for all roles together; 600 when absent")
    parser.add_argument("--seed", type=int, default=None, help="of the first role; another one each time when absent")
    parser.add_argument("--role", choices=ROLES, action="append", help="only this one; all when absent")
    asked = parser.parse_args()
    if schemathesis() is None:
        print("script/schemathesis: schemathesis is missing: script/bootstrap test installs it", file=sys.stderr)
        return 2
    seed = secrets.randbelow(1 << 31) if asked.seed is None else asked.seed
    roles = asked.role or ROLES
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder) / "described", settings=SETTINGS).start()
        try:
            installation.office = Office(installation)
            tokens = tokens_of(installation)
            share = max(1, asked.seconds // len(roles))
            runs = [run(installation, role, tokens[role], seed + at, share, Path(folder)) for at, role in enumerate(roles)]
        finally:
            installation.stop()
    failed = [one for one in runs if one.failures or one.code]
    for one in failed:
        print(f"=== {one.role}, seed {one.seed}\n{one.output}")
    cases, found = sum(one.cases for one in runs), sum(len(one.failures) for one in runs)
    print(f"schemathesis: {found} findings in {cases} cases as {len(runs)} roles, {asked.seconds} s, seed {seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
