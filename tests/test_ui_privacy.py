"""Nothing leaves this machine, and nothing of a contract stays behind: shown on whole processes, not on promises."""

import ipaddress
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clausescan.ui.folders import sweep
from tests import specimen
from tests.system_tools import need
from tests.uibrowser import browser, drop, finished, photos, take, visit  # noqa: F401 (fixtures)
from tests.uiserver import FAKE, REAL, ROOT, environment, running

SAMPLE = ROOT / "samples" / "services-agreement.jpg"
CONTRACT = (
    "MASTER SERVICES AGREEMENT",
    "11. Termination. Either party may terminate this Agreement at any time",
    "upon thirty (30) days' prior written notice to the other zebrafish. If a party",
    "is in breach, the zebrafish may end it after a cure period of ten (10) days.",
    "12. Limitation of Liability. In no event shall a zebrafish be liable for more",
    "than US$ 1,000,000 or for any indirect or consequential zebrafish damages.",
)
TRACED = "connect,sendto,sendmsg,sendmmsg"
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
LOUD = (
    "import logging, sys\nlogging.basicConfig(level=logging.DEBUG)\nlogging.disable = lambda *_: None\n"
    "from clausescan import cli\nsys.exit(cli.run_command(sys.argv[1:]))"
)
"""The command line with every library's log at its loudest."""


def tracer(path):
    """The start of a command under which every address that the process or its children speak to is written down."""
    strace = need("strace")
    trial = subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True, text=True)
    if trial.returncode:
        (pytest.fail if os.environ.get("CLAUSESCAN_CI") else pytest.skip)(
            f"strace may not trace here: {trial.stderr.strip()[-100:]}"
        )
    return [strace, "-D", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={TRACED}", "-e", "signal=none", "-o", str(path)]


def elsewhere(path):
    """Addresses in the trace that are not this machine's loopback."""
    time.sleep(0.5)  # for the tracer, which ends after what it traces
    found = {v4 or v6 for v4, v6 in ADDRESS.findall(path.read_text(errors="replace"))}
    return {address for address in found if not ipaddress.ip_address(address).is_loopback}


def test_the_tracer_sees_a_call_elsewhere(tmp_path):
    code = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.7', 9))"
    subprocess.run([*tracer(tmp_path / "t"), sys.executable, "-c", code], check=False)
    assert elsewhere(tmp_path / "t") == {"192.0.2.7"}


@pytest.mark.weights
def test_extract_and_batch_speak_to_nobody(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(SAMPLE.read_bytes())
    runs = {
        "extract": ["extract", str(SAMPLE), "--format", "json,html,pdf", "--out", str(tmp_path / "o")],
        "batch": ["batch", str(folder), "--out", str(tmp_path / "b"), "--workers", "1"],
    }
    for name, arguments in runs.items():
        trace = tmp_path / name
        command = [*tracer(trace), sys.executable, "-m", "clausescan", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment(tmp_path / "h"), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert elsewhere(trace) == set()
    assert json.loads((tmp_path / "b" / "a.json").read_text())["clauses"]


@pytest.mark.weights
def test_a_session_of_the_page_speaks_to_nobody(visit, tmp_path):  # noqa: F811
    trace = tmp_path / "trace"
    with running(tmp_path / "home", REAL, before=tracer(trace)) as server:
        page = visit(server.url)  # which itself fails for any request to another host
        drop(page, SAMPLE)
        finished(page)
        page.locator("[data-act=accept]").first.click()
        page.locator(".cs-review.accepted").wait_for()
        assert take(page, "pdf", tmp_path).stat().st_size > 100_000
        page.reload()
        page.wait_for_selector(".cs-card")
    assert elsewhere(trace) == set()


def contract(folder):
    """A photo with the canary in its clauses."""
    folder.mkdir(exist_ok=True)
    specimen.picture(CONTRACT).save(folder / "contract.png")
    return folder / "contract.png"


def holding(folder):
    """Files below a folder in which the canary's letters stand."""
    word = specimen.CANARY.encode()
    return [p for p in Path(folder).rglob("*") if p.is_file() and word in p.read_bytes().lower()]


def loud(home):
    return environment(home) | {"TRANSFORMERS_VERBOSITY": "debug", "GRADIO_DEBUG": "1", "PYTHONFAULTHANDLER": "1"}


@pytest.mark.weights
def test_a_contracts_words_are_in_the_results_alone(tmp_path):
    photo = contract(tmp_path / "in")
    for arguments in (
        ["extract", photo, "--json", tmp_path / "out" / "r.json"],
        ["batch", tmp_path / "in", "--out", tmp_path / "out" / "b", "--workers", "1"],
    ):
        (tmp_path / "out").mkdir(exist_ok=True)
        command = [sys.executable, "-c", LOUD, *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, env=loud(tmp_path / "home"), capture_output=True, text=True)
        assert done.returncode in (0, 4), done.stderr[-500:]
        assert specimen.CANARY not in (done.stdout + done.stderr).lower()
    assert {p.name for p in holding(tmp_path / "out")} >= {"r.json", "contract.json"}  # it was read
    assert holding(tmp_path / "home") == []


@pytest.mark.weights
def test_the_page_says_and_leaves_nothing(visit, tmp_path):  # noqa: F811
    photo = contract(tmp_path / "in")
    home = tmp_path / "home"
    with running(home, ("-c", LOUD, *REAL[2:])) as server:
        page = visit(server.url)
        drop(page, photo)
        finished(page)
        card = page.locator(".cs-card").first
        assert specimen.CANARY in card.inner_text()
        card.locator("[data-act=edit]").click()
        card.get_by_label("Text").fill(f"a corrected {specimen.CANARY}")
        card.get_by_role("button", name="Save").click()
        card.locator(".cs-review.corrected").wait_for()
        assert specimen.CANARY in take(page, "json", tmp_path / "downloads").read_text().lower()
        assert holding(home / "cache")  # the download, as long as the page runs
        server.end()
        assert specimen.CANARY not in server.log.read_text().lower()
        assert "DEBUG" in server.log.read_text()
    assert holding(home) == []
    assert [p.name for p in server.cache.iterdir()] == ["lock"]


def test_a_page_that_was_killed_leaves_nothing_after_the_next_start(visit, tmp_path):  # noqa: F811
    home = tmp_path / "home"
    with running(home, FAKE) as server:
        page = visit(server.url)
        drop(page, *photos(tmp_path / "p", "one.png"))
        finished(page)
        take(page, "csv", tmp_path / "downloads")
        server.end(signal.SIGKILL)
    assert len(list(server.cache.glob("page-*/**/*.png"))) >= 1
    assert len(list(server.cache.glob("page-*/**/*.csv"))) == 1
    with running(home, FAKE) as again:
        assert len(list(again.cache.glob("page-*"))) == 1
        assert list(again.cache.glob("page-*/**/*.csv")) == []
        assert sweep(again.cache) == []  # the running one's stays


def test_errors_quote_nothing(visit, tmp_path):  # noqa: F811
    with running(tmp_path / "home", FAKE) as server:
        page = visit(server.url)
        drop(page, *photos(tmp_path / "p", "bug.png", "fine.png"))  # the first raises an error that quotes the contract
        finished(page)
        assert specimen.CANARY not in page.content()
        for data in ({"act": specimen.CANARY}, {"act": "save", "clause": specimen.CANARY}, specimen.CANARY):
            page.evaluate(SEND, data)
            page.get_by_text("That did not work").last.wait_for()
        assert specimen.CANARY not in page.locator("body").inner_text()
        server.end()
        assert specimen.CANARY not in server.log.read_text()
        assert "DEBUG" in server.log.read_text()


SEND = """async (data) => {
  const config = window.gradio_config;
  const handler = config.dependencies.find((d) => d.targets.some(([, name]) => name === 'act'));
  const session = Math.random().toString(36).slice(2);
  const body = { data: [sessionStorage.getItem('clausescan')], event_data: data, fn_index: handler.id, session_hash: session };
  const headers = { 'Content-Type': 'application/json' };
  await fetch('gradio_api/queue/join', { method: 'POST', headers, body: JSON.stringify(body) });
  const stream = await fetch(`gradio_api/queue/data?session_hash=${session}`);
  const reader = stream.body.getReader(), decoder = new TextDecoder();
  let text = '';
  while (!text.includes('process_completed')) text += decoder.decode((await reader.read()).value);
  await reader.cancel();
  const told = document.createElement('p');
  told.textContent = text;
  document.body.append(told);
}"""
