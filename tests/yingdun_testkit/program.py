"""The program under test as a command."""

import json
import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

#: Of everybody in tests.
PASSWORD = "correct horse battery staple"

#: Seconds for a command that does not serve.
COMMAND_SECONDS_MAX = 120


def binary() -> Path:
    """The binary that `YINGDUN_BINARY` names, or the release build of this checkout."""
    named = os.environ.get("YINGDUN_BINARY")
    return Path(named) if named else REPOSITORY / "target" / "release" / "yingdun"


def life() -> Path:
    """The store alone, for power cuts: `cargo build --package yingdun-storage --example life`, of the same profile."""
    path = binary().parent / "examples" / "life"
    assert path.is_file(), f"{path} is missing: cargo build --release --package yingdun-storage --example life"
    return path


def run(*arguments, env=None) -> subprocess.CompletedProcess:
    """Runs a command to its end and returns what it said, whatever its exit code."""
    return subprocess.run(
        [binary(), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        env={**os.environ, **(env or {})},
        check=False,
    )


def run_json(*arguments, code=0, env=None):
    """Runs a command with `--json`, demands its exit code, and returns its document."""
    done = run("--json", *arguments, env=env)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else None


def signed_in(installation, folder: Path, name: str) -> list:
    """The options with which a command asks an installation as one of its officers, who signs in once per folder."""
    password, token = folder / "password", folder / f"token-{name}"
    server = ["--server", installation.addresses.web, "--ca-file", installation.ca_file]
    if not token.exists():
        password.write_text(PASSWORD)
        run_json("login", name, "--password-file", password, "--token-file", token, *server)
    return [*server, "--token-file", token]
