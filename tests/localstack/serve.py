"""Runs LocalStack on a free loopback port for as long as standard input stays open.

Prints its address once it is ready. Whoever started this holds the other end of standard input, so
that the server ends with its starter, however that one dies. Services are the arguments.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

READY_WITHIN = 120  # seconds


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(port, folder, services):
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": folder,
        "TMPDIR": folder,
        "OVERRIDE_IN_DOCKER": "0",
        "FILESYSTEM_ROOT": os.path.join(folder, "fs"),
        "XDG_CACHE_HOME": os.path.join(folder, "cache"),
        # The default server, twisted, listens on every interface.
        "GATEWAY_SERVER": "hypercorn",
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",
        "SERVICES": ",".join(services),
        "STRICT_SERVICE_LOADING": "1",
        "EAGER_SERVICE_LOADING": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "DNS_ADDRESS": "0",
    }
    log = open(os.path.join(folder, "log.txt"), "wb")
    return subprocess.Popen(
        [sys.executable, "-m", "localstack.runtime.main"],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True,
    )


def ready(address, server):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and server.poll() is None:
        try:
            with opener.open(address + "/_localstack/health", timeout=5) as answer:
                if answer.status == 200:
                    return True
        except OSError:
            time.sleep(0.1)
    return False


def stop(server):
    # It keeps nothing that is wanted, and takes seconds to end when asked.
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    server.wait()


def main():
    services = sys.argv[1:]
    folder = tempfile.mkdtemp(prefix="countersign-localstack-")
    over = threading.Event()

    def watch():
        while sys.stdin.buffer.read(1):
            pass
        over.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    threading.Thread(target=watch, daemon=True).start()
    server = None
    try:
        # Somebody else may take the port between the probe and the start.
        for _ in range(3):
            address = f"http://127.0.0.1:{(port := free_port())}"
            server = start(port, folder, services)
            if over.is_set() or ready(address, server):
                break
            stop(server)
        else:
            with open(os.path.join(folder, "log.txt"), errors="replace") as log:
                sys.exit("LocalStack did not become ready:\n" + log.read()[-4000:])
        print(address, flush=True)
        while not over.wait(1.0):
            if server.poll() is not None:
                sys.exit("LocalStack ended by itself")
    finally:
        if server is not None:
            stop(server)
        shutil.rmtree(folder, ignore_errors=True)


main()
