"""`make lab` in the clone at hand: JupyterLab opens at the start page, and all lessons are in reach."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from tools.notebooks import ROOT, lesson_names


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A JupyterLab started by `make lab`, without a browser, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("lab") / "log").open("w+")
    options = f"--no-browser --ServerApp.port={port} --ServerApp.port_retries=0 --IdentityProvider.token=x"
    process = subprocess.Popen(
        ["make", "lab", f"LAB_ARGS={options}"], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield wait_for(f"http://127.0.0.1:{port}", process, log)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen, log) -> str:
    for _ in range(600):
        try:
            get(f"{url}/api/status")
            return url
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.seek(0) or log.read()
            time.sleep(0.2)
    raise TimeoutError(log.seek(0) or log.read())


def get(url: str) -> tuple[str, str]:
    """The address a GET ends at, and what it brings."""
    request = urllib.request.Request(url, headers={"Authorization": "token x"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.url, answer.read().decode()


def test_it_opens_at_the_start_page(address):
    assert get(address)[0].endswith("/lab/tree/lessons/00_start_here/00_start_here.ipynb")


def test_every_lesson_is_in_the_file_browser(address):
    found = {item["name"] for item in json.loads(get(f"{address}/api/contents/lessons")[1])["content"]}
    assert set(lesson_names()) <= found


def test_nbgrader_and_the_extensions_are_on_and_the_news_popup_is_off(address):
    _, page = get(f"{address}/lab")
    config = json.loads(
        page.split('id="jupyter-config-data" type="application/json">')[1].split("</script>")[0]
    )
    names = {extension["name"] for extension in config["federated_extensions"]}
    wanted = {"@jupyter/nbgrader", "jupyterlab-execute-time", "@jupyter-server/resource-usage", "anywidget"}
    assert wanted <= names, names
    assert any("apputils-extension:announcements" in name for name in config["disabledExtensions"])
