"""Real JupyterLab and Notebook servers with a real Chromium, for the tests that press buttons.

Everything here waits on conditions. A ``Page`` of ours is a notebook opened in one front end, with
the few things that a test does to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
import pytest

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Playwright, expect, sync_playwright

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FRONT_ENDS = ("lab", "notebook")
#: Seconds for a server to come up, and for a kernel to answer on a busy machine.
PATIENCE = 120
_MODULES = {"lab": "jupyterlab", "notebook": "notebook"}
_APPS = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}
#: The notebook that is in front, where a page holds several.
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
#: Whether the page itself has heard that the kernel is idle: a key pressed before would run nothing.
_CONNECTED = """() => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
#: No news, no update check, no autosave between a test's own saves, no questions.
_SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running Jupyter server and the folder that it serves."""

    front_end: str
    url: str
    token: str
    root: Path

    def address(self, notebook: str) -> str:
        """Where a notebook opens."""
        path = "lab/tree" if self.front_end == "lab" else "notebooks"
        return f"{self.url}/{path}/{notebook}?reset&token={self.token}"

    def api(self, path: str, method: str = "GET", body: object = None) -> Any:
        """The answer of the server's REST interface."""
        headers = {"Authorization": f"token {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _environment(home: Path) -> dict[str, str]:
    settings = home / "config" / "lab" / "user-settings"
    for name, values in _SETTINGS.items():
        path = settings / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    own = {
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "SHAPE_MAGIC_STRICT": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    # The tests' own backend for figures would keep them out of the notebook.
    inherited = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    return {**inherited, **{key: str(value) for key, value in own.items()}}


def _start(front_end: str, home: Path) -> tuple[subprocess.Popen[bytes], Server]:
    root = home / "notebooks"
    root.mkdir(parents=True)
    port, token = _free_port(), secrets.token_hex(8)
    command = [sys.executable, "-m", _MODULES[front_end], "--no-browser", f"--port={port}", "--port-retries=0"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", "--LabApp.collaborative=False", "--LabApp.news_url=None"]
    command += [f"--{_APPS[front_end]}.expose_app_in_browser=True"]  # for `Notebook.command`
    log = (home / "server.log").open("wb")
    process = subprocess.Popen(command, env=_environment(home), stdout=log, stderr=subprocess.STDOUT, cwd=root)
    return process, Server(front_end, f"http://127.0.0.1:{port}", token, root)


def _wait_until_up(process: subprocess.Popen[bytes], server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            server.api("status")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)  # between two questions, not instead of one
        else:
            return
    log = (server.root.parent / "server.log").read_text(encoding="utf-8", errors="replace")
    raise RuntimeError(f"{server.front_end} did not come up:\n{log[-4000:]}")


@contextlib.contextmanager
def served(front_end: str, home: Path) -> Iterator[Server]:
    """A server of a front end, with its folders under ``home``, ended at the end."""
    process, running = _start(front_end, home)
    try:
        _wait_until_up(process, running)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Gives the server of a front end, with folders of its own, and starts it when it is first asked for.

    All stay up to the end: a process of pytest-xdist gets whole files, each of which needs one after the other.
    """
    running: dict[str, Server] = {}
    with contextlib.ExitStack() as stack:

        def of(front_end: str) -> Server:
            if front_end not in running:
                running[front_end] = stack.enter_context(served(front_end, tmp_path_factory.mktemp(front_end)))
            return running[front_end]

        yield of


@pytest.fixture(scope="module", params=FRONT_ENDS)
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """Each front end's server."""
    return servers(request.param)


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


def launched(driver: Playwright) -> Browser:
    """The system's Chromium where there is one, else Playwright's own."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    return driver.chromium.launch(executable_path=executable, args=ARGUMENTS)


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    opened = launched(playwright_driver)
    yield opened
    opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile, big enough for a notebook."""
    opened = browser.new_context(
        viewport={"width": 1280, "height": 1000}, permissions=["clipboard-read", "clipboard-write"]
    )
    opened.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    yield opened
    opened.close()


@dataclass
class Notebook:
    """A notebook, open in a front end."""

    page: Page
    server: Server
    name: str
    errors: list[str] = field(default_factory=list)

    def hear(self, error: Error) -> None:
        """Keeps an error of the page, but for JupyterLab 4.0's own: headings that it has not drawn yet have no type."""
        told = error.stack or str(error)
        is_theirs = "_onCellInViewportChanged" in told and "blob:" not in told  # a widget's code comes as a blob
        if not (is_theirs and version("jupyterlab").startswith("4.0.")):
            self.errors.append(told)

    @property
    def cells(self) -> Locator:
        return self.page.locator(f"{SHOWN} .jp-Notebook .jp-Cell")

    @property
    def card(self) -> Locator:
        """The live widget."""
        return self.page.locator(f"{SHOWN} .jp-OutputArea .shapecheck")

    def show(self, other: Notebook) -> None:
        """Turns to another notebook in the same page."""
        self.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tabLabel", has_text=re.compile(f"^{other.name}$")).click()

    def cell(self, index: int) -> Locator:
        return self.cells.nth(index)

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.card.get_by_role("button", name=name)

    def status(self) -> Locator:
        """Where the card says what has happened."""
        return self.card.locator(".sm-status:not(:empty)")

    def outputs(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-OutputArea-output")

    def source(self, index: int) -> str:
        """A cell's text as the editor shows it."""
        lines = self.cell(index).locator(".cm-line").all_inner_texts()
        return "\n".join("" if line == "\n" else line for line in lines)

    def has_source(self, index: int, text: str) -> None:
        """Waits until a cell reads exactly so."""
        expect(self.cell(index).locator(".cm-line")).to_have_text(text.split("\n"), use_inner_text=True)

    def count(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-InputPrompt")

    def run(self, index: int) -> None:
        """Runs one cell and waits for its end."""
        self.cell(index).locator(".cm-content").click()
        before = self.count(index).inner_text()
        self.page.keyboard.press("Control+Enter")
        self.ran(index, before)

    def ran(self, index: int, before: str) -> None:
        """Waits until a cell has a new execution count."""
        expect(self.count(index)).not_to_have_text(before)
        expect(self.count(index)).to_have_text(re.compile(r"\[\d+\]:"))

    def type_into(self, index: int, text: str) -> None:
        """Adds text at the end of a cell."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.insert_text(text)

    def evaluate_in_kernel(self, index: int, code: str) -> str:
        """Runs code in a spare cell of the notebook and gives its text output."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)
        self.run(index)
        return self.outputs(index).first.inner_text().strip()

    def command(self, name: str) -> None:
        """Does what a menu entry of this name does."""
        self.page.evaluate("name => void window.jupyterapp.commands.execute(name)", name)

    def theme(self, name: str) -> None:
        """Turns the page to ``"Light"`` or ``"Dark"``."""
        theme = f"JupyterLab {name}"
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        self.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)

    def violations(self, widgets: Locator | None = None) -> list[tuple[str, list[str]]]:
        """What axe-core finds wrong with the card, or with other widgets, all of it unfolded."""
        self.page.evaluate(_axe().read_text(encoding="utf-8"))
        found = []
        for element in (widgets or self.card).element_handles():
            element.evaluate("el => el.querySelectorAll('details').forEach(node => (node.open = true))")
            found += element.evaluate("async el => (await axe.run(el, {resultTypes: ['violations']})).violations")
        return [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]

    def save(self) -> dict[str, Any]:
        """Saves, and gives the file as it is on disk then."""
        path = self.server.root / self.name
        before = path.stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
            if path.stat().st_mtime_ns == before:
                continue
            with contextlib.suppress(json.JSONDecodeError):  # while the server is writing it
                return dict(json.loads(path.read_text(encoding="utf-8")))
        raise TimeoutError(f"{self.name} was not saved")

    def screenshot(self, path: Path) -> None:
        self.page.screenshot(path=str(path), full_page=True)


def _axe() -> Path:
    """The file of axe-core; skips the test where nobody fetched it."""
    path = Path(os.environ.get("SHAPE_MAGIC_AXE") or ROOT / ".cache" / "axe.min.js")
    if not path.exists():
        pytest.skip("no axe-core: `python tests/run.py browser` fetches it")
    return path


class Desk:
    """Writes notebooks into a server's folder and opens them."""

    def __init__(self, server: Server, context: BrowserContext, kernel: str = "") -> None:
        self.server = server
        self.context = context
        #: A kernel for all its notebooks; empty: each starts one of its own.
        self.kernel = kernel
        self.opened: list[Notebook] = []
        self.names: set[str] = set()

    def write(self, sources: Sequence[str], metadata: dict[int, dict[str, Any]] | None = None, name: str = "") -> str:
        """A notebook file with these code cells; gives its name."""
        book = nbformat.v4.new_notebook()
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        for k, source in enumerate(sources):
            cell = nbformat.v4.new_code_cell(source, id=f"cell-{k}-{uuid4().hex[:8]}")
            cell.metadata.update((metadata or {}).get(k, {}))
            book.cells.append(cell)
        name = name or f"book-{uuid4().hex[:8]}.ipynb"
        nbformat.write(book, self.server.root / name)
        self.names.add(name)
        return name

    def open(self, name: str) -> Notebook:
        """A notebook in a tab of its own, with its kernel idle."""
        page = self.context.new_page()
        notebook = Notebook(page, self.server, name)
        page.on("pageerror", notebook.hear)
        page.goto(self.server.address(name))
        expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()
        self._wait_for_kernel(page, name)
        self.opened.append(notebook)
        return notebook

    def _wait_for_kernel(self, page: Page, name: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            sessions = [s for s in self.server.api("sessions") if s["path"] == name and s["kernel"]]
            if sessions and sessions[0]["kernel"]["execution_state"] == "idle":
                page.wait_for_function(_CONNECTED)
                return
            page.wait_for_timeout(100)
        raise TimeoutError(f"no idle kernel for {name}")

    def start(self, sources: Sequence[str], **kwargs: Any) -> Notebook:
        """Writes and opens."""
        name = self.write(sources, **kwargs)
        if self.kernel:
            self._give_kernel(name, self.kernel)
        return self.open(name)

    def session_of(self, notebook: Notebook) -> dict[str, Any]:
        """The server's record of a notebook and its kernel."""
        (session,) = [s for s in self.server.api("sessions") if s["path"] == notebook.name]
        return dict(session)

    def restart_kernel(self, notebook: Notebook) -> None:
        """Restarts a notebook's kernel and waits until it is idle."""
        self.server.api(f"kernels/{self.session_of(notebook)['kernel']['id']}/restart", "POST")
        self._wait_for_kernel(notebook.page, notebook.name)

    def copy_of(self, notebook: Notebook) -> str:
        """A copy of a notebook's file, cell ids and all; gives its name."""
        name = f"copy-{notebook.name}"
        shutil.copy(self.server.root / notebook.name, self.server.root / name)
        self.names.add(name)
        return name

    def share_kernel(self, first: Notebook, name: str) -> None:
        """Gives a notebook that is not open yet the kernel of another."""
        self._give_kernel(name, self.session_of(first)["kernel"]["id"])

    def _give_kernel(self, name: str, kernel: str) -> None:
        self.server.api("sessions", "POST", {"path": name, "name": name, "type": "notebook", "kernel": {"id": kernel}})

    def open_beside(self, first: Notebook, name: str) -> Notebook:
        """Opens a notebook in the same page of JupyterLab."""
        first.page.locator(".jp-DirListing-item", has_text=name).dblclick()
        second = Notebook(first.page, self.server, name)
        expect(first.page.locator(".lm-DockPanel-tabBar .lm-mod-current", has_text=name)).to_be_visible()
        expect(second.cell(0)).to_be_visible()
        self._wait_for_kernel(first.page, name)
        return second

    def end_kernels(self) -> None:
        """Ends the kernels of this desk's notebooks."""
        for session in self.server.api("sessions"):
            if session["path"] not in self.names:
                continue
            try:
                self.server.api(f"sessions/{session['id']}", "DELETE")
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise

    def close(self) -> None:
        """Closes the tabs and ends the kernels that were started for them."""
        for notebook in self.opened:
            notebook.page.close()
        if not self.kernel:
            self.end_kernels()


@pytest.fixture
def desk(server: Server, context: BrowserContext) -> Iterator[Desk]:
    """Where a test gets its notebooks from."""
    made = Desk(server, context)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def warm_kernel(server: Server) -> Iterator[str]:
    """A kernel for the tests of a module that would each wait for TensorFlow otherwise."""
    kernel = str(server.api("kernels", "POST", {"name": "python3"})["id"])
    yield kernel
    server.api(f"kernels/{kernel}", "DELETE")


@pytest.fixture
def warm_desk(server: Server, context: BrowserContext, warm_kernel: str) -> Iterator[Desk]:
    """A desk whose notebooks share one kernel, one test after another."""
    made = Desk(server, context, warm_kernel)
    try:
        yield made
    finally:
        made.close()
