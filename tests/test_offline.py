"""One start and one answer with every way out shut."""

import json
import re
import subprocess
import sys

import httpx
from conftest import ROOT, answers_ok, free_port, wait_for

# An audit hook sees every connection that Python code opens, and cannot be taken off again.
SHUT = """
import sys
def hook(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""
        if host not in ("127.0.0.1", "::1", "localhost", ""):
            sys.stderr.write(f"OUTGOING {address}\\n")
            raise OSError("shut")
    elif event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "::1", "localhost", None, "", "0.0.0.0"):
        sys.stderr.write(f"OUTGOING {arguments[0]}\\n")
        raise OSError("shut")
sys.addaudithook(hook)
sys.argv = ["ask-article", *sys.argv[1:]]
from chatbot.cli import main
main()
"""


def shut(*words):
    """The command line without a network: in a namespace of its own where that is possible."""
    command = [sys.executable, "-c", SHUT, *map(str, words)]
    alone = ["unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "sh"]
    try:
        probe = subprocess.run([*alone, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return command
    return [*alone, *command] if probe.returncode == 0 else command


def test_index_and_answer_offline(tmp_path):
    (tmp_path / "harbour.txt").write_text("The harbour was rebuilt in 1921 after the great storm.")
    done = subprocess.run(
        shut("ask", "When was the harbour rebuilt?", "harbour.txt", "--json"),
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1921" in json.loads(done.stdout)["text"]
    assert "OUTGOING" not in done.stderr


def test_start_and_answer_offline(tmp_path, seed_index):
    port = free_port()
    # The hook alone here: a namespace of its own could not be reached from this process.
    command = [sys.executable, "-c", SHUT, "serve", "--port", str(port), "--index", str(seed_index)]
    log = (tmp_path / "log").open("w+")
    running = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers_ok(f"{url}/readyz"))
        assert "Quad" in httpx.post(f"{url}/api/ask", json={"question": "What is the Quad?"}).json()["text"]
        page = httpx.get(f"{url}/chat/").text
        # Nothing in the page is fetched from anywhere else.
        loaded = re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"([^\"]+)\"", page)
        assert loaded
        assert not [each for each in loaded if "//" in each]
    finally:
        running.terminate()
        running.wait(20)
        log.seek(0)
        said = log.read()
        log.close()
    assert "OUTGOING" not in said
