"""Fixtures for tests in a real JupyterLab: one server and one Chromium a session, one `Lab` a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import Lab
from playwright.sync_api import Browser, Page, sync_playwright
from server import JupyterServer

CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.browser)
    # Last: Playwright keeps an event loop running in this thread, beside which no test can start its own.
    items[:] = [item for item in items if item not in ours] + ours


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without it, tests are skipped, but fail where CI is set, since a skip would hide them."""
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not chromium:
        message = (
            "Chromium is not installed (on Debian: apt install chromium; elsewhere: set CHROMIUM=/path)."
        )
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def jupyter_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A JupyterLab on a free port, with a root and a configuration of its own."""
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lab(browser: Browser, jupyter_server: JupyterServer, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A browser page on JupyterLab with an empty folder of its own: see `Lab`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    lab = Lab(context.new_page(), jupyter_server, f"{request.node.path.stem}-{request.node.name}")
    yield lab
    lab.close()
    context.close()


@pytest.fixture
def static_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[[str], tuple[Page, list[str]]]]:
    """A function that opens HTML from a file and returns the page and the addresses it asks for."""
    context = browser.new_context(viewport={"width": 900, "height": 700})

    def show(html: str) -> tuple[Page, list[str]]:
        path = tmp_path / "page.html"
        path.write_text(f"<!doctype html><meta charset=utf-8><title>Static twin</title><body>{html}", "utf-8")
        page, requests = context.new_page(), []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page, requests

    yield show
    context.close()
