"""What a person waits for in a browser. `yingdun-bench` starts this with a job as JSON on standard input, and reads what was measured as JSON
from standard output: lists of milliseconds, in the order in which they were measured.

Times are taken inside the page (probe.js), so they hold nothing of this program. Every browser is a new process with a profile of its own."""

import base64
import contextlib
import hashlib
import json
import socket
import ssl
import sys
from pathlib import Path
from urllib.parse import urlparse

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from yingdun_testkit import browser  # noqa: E402
from yingdun_testkit.administration import SESSION_COOKIE  # noqa: E402

PROBE = Path(__file__).with_name("probe.js").read_text()

#: How long anything may take.
PATIENCE_MS = 120_000

#: Openings in one browser before the one that counts as warm: a browser keeps compiled scripts from the second time on.
VISITS = 3

#: Between two keys, in milliseconds: what came is looked at.
REST_MS = 250

#: The same between two slices: longer than what the viewer takes for one movement, during which pictures of the server come in half.
SLICE_REST_MS = 150


def main():
    job = json.load(sys.stdin)
    with sync_playwright() as playwright:
        measured = TASKS[job["task"]](playwright, job)
    json.dump(measured, sys.stdout)


def first_picture(playwright, job):
    """Opening a study, by who is signed in, with nothing in the browser's cache and with everything; by who signs in first; and the same in the peer.
    They take turns."""
    measured = {name: [] for name in ("sign_in", "cold", "warm", "tools_cold", "tools_warm", "peer_cold", "peer_warm", "bytes", "peer_bytes")}
    study = f"{job['web']}/console/viewer/{job['study']}"
    for _ in range(job["runs"]):
        with window(playwright, job) as context:
            measured["sign_in"].append(signing_in(context.new_page(), study, job))
        with window(playwright, job, signed_in=True) as context:
            told, tools, size = opened(context, study)
            measured["cold"].append(told)
            measured["tools_cold"].append(tools)
            measured["bytes"].append(size)
            told, tools, _ = [opened(context, study) for _ in range(VISITS)][-1]
            measured["warm"].append(told)
            measured["tools_warm"].append(tools)
        if job.get("peer"):
            with window(playwright, job) as context:
                told, _, size = opened(context, job["peer"])
                measured["peer_cold"].append(told)
                measured["peer_bytes"].append(size)
                measured["peer_warm"].append([opened(context, job["peer"])[0] for _ in range(VISITS)][-1])
    return measured | {"chromium": version(playwright)}


def scroll(playwright, job):
    """From a key to the next picture of a stack that is open, one key after the other."""
    measured = {"took": [], "kinds": []}
    with window(playwright, job, signed_in=True) as context:
        page = context.new_page()
        with page.expect_console_message(said("picture"), timeout=PATIENCE_MS) as first:
            page.goto(f"{job['web']}/console/viewer/{job['study']}")
        measured["first"] = told_by(first)["since_opening_ms"]
        # What is fetched ahead is there, or else is not measured.
        page.wait_for_timeout(job.get("settle_ms", 1_000))
        for _ in range(job["keys"]):
            with page.expect_console_message(said("answered"), timeout=PATIENCE_MS) as answer:
                page.keyboard.press("ArrowDown")
            told = told_by(answer)
            measured["took"].append(told["took_ms"])
            measured["kinds"].append(told["kind"])
            page.wait_for_timeout(SLICE_REST_MS)
    return measured | {"chromium": version(playwright)}


def search(playwright, job):
    """What is typed into the box of the list of studies, key by key: until the rows of the search that it leads to are there."""
    measured = {"since_key": [], "since_asking": [], "answered": [], "typed": [], "found": []}
    with window(playwright, job, signed_in=True) as context:
        page = context.new_page()
        box = page.get_by_role("searchbox").first
        for text in job["typed"]:
            # Anew for each: the page keeps for a moment what it asked for, and asks nobody where two begin alike.
            page.goto(f"{job['web']}/console/studies")
            box.wait_for()
            page.wait_for_load_state("networkidle")
            box.focus()
            for character in text:
                if character == " ":
                    # What ends with a space is the same search.
                    page.keyboard.type(character)
                    continue
                with page.expect_console_message(said("rows"), timeout=PATIENCE_MS) as answer:
                    page.keyboard.type(character)
                told = told_by(answer)
                measured["since_key"].append(told["since_key_ms"])
                measured["since_asking"].append(told["since_asking_ms"])
                measured["answered"].append(told["answered_ms"])
                measured["typed"].append(told["text"])
                page.wait_for_timeout(REST_MS)
            measured["found"].append(page.locator("[role=rowgroup] [role=row]").count())
    return measured | {"chromium": version(playwright)}


TASKS = {"first-picture": first_picture, "scroll": scroll, "search": search}

# === helpers ===


@contextlib.contextmanager
def window(playwright, job, *, signed_in=False):
    """A browser that was never used, at a desk; nothing is in its caches."""
    arguments = [*browser.ARGUMENTS, f"--ignore-certificate-errors-spki-list={key_of(job['web'])}"]
    running = playwright.chromium.launch(executable_path=browser.executable(), args=arguments)
    try:
        context = running.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
        context.add_init_script(PROBE)
        context.set_default_timeout(PATIENCE_MS)
        if signed_in:
            cookie = {"name": SESSION_COOKIE, "value": job["session"], "url": f"{job['web']}/", "secure": True, "httpOnly": True, "sameSite": "Strict"}
            context.add_cookies([cookie])
        yield context
    finally:
        running.close()


def opened(context, address):
    """Milliseconds from asking for an address to the first picture and to the tools, and the bytes that came for them."""
    page = context.new_page()
    with page.expect_console_message(said("tools"), timeout=PATIENCE_MS) as tools:
        with page.expect_console_message(said("picture"), timeout=PATIENCE_MS) as picture:
            page.goto(address, wait_until="commit")
    told = told_by(picture)["since_opening_ms"]
    ready = told_by(tools)["since_opening_ms"]
    # As they travelled; nothing where they came from the cache.
    size = page.evaluate("performance.getEntriesByType('resource').reduce((sum, entry) => sum + entry.transferSize, 0)")
    page.close()
    return told, ready, size


def signing_in(page, study, job):
    """Milliseconds from sending the sign-in form to the first picture of the study."""
    page.goto(study)
    page.locator("input[name=name]").fill(job["name"])
    page.locator("input[name=password]").fill(job["password"])
    with page.expect_console_message(said("picture"), timeout=PATIENCE_MS) as picture:
        with page.expect_navigation(wait_until="commit"):
            page.locator("input[name=password]").press("Enter")
        if page.url != study:
            page.goto(study, wait_until="commit")
    told = told_by(picture)
    return told["at_ms"] - told["submitted_ms"]


def said(what):
    return lambda message: message.text.startswith(f'probe:{{"what":"{what}"')


def told_by(expected):
    return json.loads(expected.value.text.removeprefix("probe:"))


def version(playwright):
    running = playwright.chromium.launch(executable_path=browser.executable(), args=browser.ARGUMENTS)
    try:
        return running.version
    finally:
        running.close()


def key_of(web):
    """The digest of the server's public key. A browser that trusts it keeps what comes from there, as one in a hospital does that trusts the authority."""
    address = urlparse(web)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((address.hostname, address.port)) as plain, context.wrap_socket(plain) as secured:
        certificate = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True))
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


if __name__ == "__main__":
    main()
