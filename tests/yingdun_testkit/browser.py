"""A real browser (Debian's Chromium) that looks at the console, and what must not happen on any page of it."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlparse

import requests

from .administration import SESSION_COOKIE

#: The accessibility engine, as the console's lock file says it.
AXE = Path(__file__).resolve().parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"

#: Software rendering that is the same everywhere, and nothing that calls its maker.
ARGUMENTS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
    "--force-color-profile=srgb", "--font-render-hinting=none",
]

#: WCAG 2.2, levels A and AA.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def executable():
    """The browser, or nothing where there is none."""
    named = os.environ.get("YINGDUN_CHROMIUM") or shutil.which("chromium")
    return named if named and Path(named).exists() else None


def has_console(installation, token) -> bool:
    """Whether the program was built with the console: then home leads there."""
    home = requests.get(
        f"{installation.addresses.web}/", cookies={SESSION_COOKIE: token}, verify=str(installation.ca_file), allow_redirects=False, timeout=30
    )
    return home.status_code == 303


class Desk:
    """One browser window in which one person is signed in, and all that went wrong in it."""

    def __init__(self, chromium, installation, token, *, language="zh-CN", theme="light", width=1440, height=900, **more):
        self.web = installation.addresses.web
        self.faults, self.outside = [], []
        self.context = chromium.new_context(
            ignore_https_errors=True, locale=language, color_scheme=theme, viewport={"width": width, "height": height},
            reduced_motion="reduce", accept_downloads=True, **more,
        )
        if token is not None:
            self.sign_in(token)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.web)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.add_init_script(
            "window.cspViolations = [];"
            "document.addEventListener('securitypolicyviolation', (event) =>"
            " window.cspViolations.push(`${event.violatedDirective} ${event.blockedURI}`));"
        )
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._said)
        self.page.on("request", self._asked)

    def sign_in(self, token):
        """Puts the session of a person into the browser, as signing in does."""
        self.context.add_cookies(
            [{"name": SESSION_COOKIE, "value": token, "url": f"{self.web}/", "secure": True, "httpOnly": True, "sameSite": "Strict"}]
        )

    def go(self, path):
        """Opens a place of the console and waits until it has what it asked for."""
        self.page.goto(f"{self.web}/console/{path}")
        return self.rest()

    def rest(self):
        """Waits until nothing is under way."""
        self.page.wait_for_load_state("networkidle")
        return self.page

    def check(self):
        """Nothing was asked of anybody else, nothing was refused by the policy of the page, and nothing broke."""
        assert self.outside == [], self.outside
        assert self.page.evaluate("window.cspViolations") == []
        assert self.faults == [], self.faults

    def axe(self) -> list:
        """What WCAG 2.2 AA has against the page as it is now."""
        # By the debugger, which the policy of the page does not bind.
        self.page.evaluate(AXE.read_text() + "; undefined")
        found = self.page.evaluate("(tags) => axe.run(document, { runOnly: tags })", WCAG)
        return [
            f"{rule['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}" for rule in found["violations"] for node in rule["nodes"]
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def close(self):
        self.context.close()

    def _said(self, message):
        # A request that the server refuses is an error to the browser; screens show it, and tests look there.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def _asked(self, request):
        of = urlparse(request.url)
        if of.scheme in ("http", "https", "ws", "wss") and f"{of.scheme}://{of.netloc}" != self.web:
            self.outside.append(request.url)


class HeldLibrary:
    """Keeps what the viewer's tools need away from a page until it is let go."""

    def __init__(self, page):
        self.routes = []
        self.is_held = True
        page.route("**/assets/Workspace-*.js", self.hold)

    def hold(self, route):
        if self.is_held:
            self.routes.append(route)
        else:
            route.continue_()

    def let_go(self):
        self.is_held = False
        for route in self.routes:
            route.continue_()
