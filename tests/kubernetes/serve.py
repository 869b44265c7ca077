"""Runs a Kubernetes cluster on free loopback ports for as long as standard input stays open.

The first line of standard input is a JSON object of files (name: content), which are the
certificates, keys and tokens; prints one line of JSON when the cluster is ready: its addresses and its
folder, which holds those files, the audit log and what the servers said. Each later line `restart`
kills the API server and starts it again, on the same port and data, and is answered by `restarted`.
Whoever started this holds the other end of standard input, so that the servers end with their
starter, however that one dies. With the argument `bare`, etcd and the API server are all there is.
"""

import json
import os
import queue
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

READY_WITHIN = 90  # seconds
HERE = os.path.dirname(os.path.abspath(__file__))

# RequestReceived is written before a request is acted upon: whoever has seen an answer finds at
# least that line, and can wait for its ResponseComplete.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {
            "level": "None",
            "users": [
                "system:apiserver",
                "system:kube-controller-manager",
                "system:kube-scheduler",
                "kwok",
                "supervisor",
            ],
        },
        # Whether a deletion is rehearsed stands in its body.
        {"level": "Request", "verbs": ["delete", "deletecollection"]},
        # No body, so that no secret value is written down.
        {"level": "Metadata"},
    ],
}

NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node-0", "annotations": {"kwok.x-k8s.io/node": "fake"}},
    "status": {
        "allocatable": {"cpu": "10000", "memory": "100Ti", "pods": "100000"},
        "capacity": {"cpu": "10000", "memory": "100Ti", "pods": "100000"},
    },
}


class Failed(Exception):
    pass


def free_ports(count):
    # All are open at once, so that no two are the same.
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def installed():
    """Where each binary is."""
    answer = subprocess.run(
        [os.path.join(HERE, "install"), "--print"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
    )
    if answer.returncode != 0:
        raise Failed("the test cluster is not installed: run tests/kubernetes/install once")
    return dict(line.split(" ", 1) for line in answer.stdout.splitlines())


class Cluster:
    def __init__(self, folder, files, bare, over):
        self.folder = folder
        self.bare = bare
        self.over = over
        self.binaries = installed()
        self.running = {}
        self.ports = []
        for name, content in files.items():
            self.write(name, content)
        self.write("audit-policy.json", json.dumps(AUDIT_POLICY))
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        context.load_cert_chain(self.path("supervisor.pem"), self.path("supervisor.key"))
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(content)

    def run(self, name, *arguments):
        log = open(self.path(name + ".log"), "ab")
        self.running[name] = subprocess.Popen(
            [self.binaries[name], *arguments],
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", ""), "HOME": self.folder, "TMPDIR": self.folder},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
        log.close()

    def kill(self, name):
        server = self.running.pop(name, None)
        if server is not None:
            server.kill()
            server.wait()

    def stop(self):
        # The API server first: it would wait for etcd. They keep nothing that is wanted.
        for name in ["kube-apiserver", *list(self.running)]:
            self.kill(name)

    def server(self):
        return f"https://127.0.0.1:{self.ports[0]}"

    def address(self):
        etcd = f"127.0.0.1:{self.ports[1]}"
        return {"server": self.server(), "etcd": etcd, "folder": self.folder}

    def start(self):
        self.ports = free_ports(3)
        self.start_etcd()
        self.start_api_server()
        self.wait_until_ready()
        if not self.bare:
            self.start_controllers()

    def start_etcd(self):
        _, client, peer = self.ports
        self.run(
            "etcd",
            "--data-dir", self.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
            "--listen-client-urls", f"http://127.0.0.1:{client}",
            "--advertise-client-urls", f"http://127.0.0.1:{client}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer}",
        )

    def start_api_server(self):
        port, client, *_ = self.ports
        self.run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{client}",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            "--tls-cert-file=" + self.path("server.pem"),
            "--tls-private-key-file=" + self.path("server.key"),
            "--client-ca-file=" + self.path("ca.pem"),
            "--token-auth-file=" + self.path("tokens.csv"),
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=" + self.path("service-account.pem"),
            "--service-account-signing-key-file=" + self.path("service-account.key"),
            "--service-cluster-ip-range=10.0.0.0/16",
            "--authorization-mode=RBAC",
            # Pods would wait for a token that nobody mounts.
            "--disable-admission-plugins=ServiceAccount",
            "--audit-policy-file=" + self.path("audit-policy.json"),
            "--audit-log-path=" + self.path("audit.log"),
            "--audit-log-mode=blocking", "--audit-log-maxsize=100000",
            "--cert-dir=" + self.path("unused"),
        )

    def start_controllers(self):
        self.run(
            "kube-controller-manager",
            "--kubeconfig=" + self.kubeconfig("kube-controller-manager"),
            "--secure-port=0", "--leader-elect=false",
            "--service-account-private-key-file=" + self.path("service-account.key"),
            "--root-ca-file=" + self.path("ca.pem"),
            # kwok says less often that its node is alive than a kubelet would.
            "--node-monitor-grace-period=24h",
            # The defaults make tests of a thousand objects wait for the client's own limit.
            "--kube-api-qps=1000", "--kube-api-burst=2000",
        )
        self.run(
            "kube-scheduler",
            "--kubeconfig=" + self.kubeconfig("kube-scheduler"),
            "--secure-port=0", "--leader-elect=false",
            "--kube-api-qps=1000", "--kube-api-burst=2000",
        )
        self.run(
            "kwok",
            "--kubeconfig=" + self.kubeconfig("kwok"), "--manage-all-nodes=true",
            "--config=" + self.binaries["kwok-stages.yaml"],
        )
        self.ask("/api/v1/nodes", NODE)

    def kubeconfig(self, user):
        name = user + ".kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "clusters": [{
                "name": "test",
                "cluster": {
                    "server": self.server(),
                    "certificate-authority": self.path("ca.pem"),
                },
            }],
            "users": [{
                "name": user,
                "user": {
                    "client-certificate": self.path(user + ".pem"),
                    "client-key": self.path(user + ".key"),
                },
            }],
        }
        self.write(name, json.dumps(config))
        return self.path(name)

    def ask(self, path, body=None):
        request = urllib.request.Request(
            self.server() + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with self.opener.open(request, timeout=10) as answer:
            return answer.read()

    def wait_until_ready(self):
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end and not self.over.is_set():
            self.check()
            try:
                self.ask("/readyz")
                return
            except OSError:
                time.sleep(0.05)
        raise Failed("the API server did not become ready" + self.said())

    def check(self):
        for name, server in self.running.items():
            if server.poll() is not None:
                raise Failed(f"{name} ended by itself, with {server.returncode}" + self.said())

    def said(self):
        """The end of every log."""
        ends = ""
        for name in self.running:
            with open(self.path(name + ".log"), errors="replace") as log:
                ends += f"\n--- {name}\n" + log.read()[-3000:]
        return ends

    def restart(self):
        self.kill("kube-apiserver")
        self.start_api_server()
        self.wait_until_ready()


def serve(cluster, commands):
    # Somebody else may take a port between the probe and the start.
    for attempt in range(3):
        try:
            cluster.start()
            break
        except Failed as failed:
            said = str(failed)
            cluster.stop()
            shutil.rmtree(cluster.path("etcd"), ignore_errors=True)
            if attempt == 2 or "address already in use" not in said:
                raise
    print(json.dumps(cluster.address()), flush=True)
    while True:
        try:
            command = commands.get(timeout=1.0)
        except queue.Empty:
            cluster.check()
            continue
        if command == "restart":
            cluster.restart()
            print("restarted", flush=True)
        elif command is None:
            return
        else:
            raise Failed(f"no such command: {command}")


def main():
    commands = queue.Queue()
    over = threading.Event()

    def read():
        for line in sys.stdin:
            commands.put(line.strip())
        commands.put(None)
        # A start that is under way ends, too.
        over.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    files = json.loads(sys.stdin.readline())
    folder = tempfile.mkdtemp(prefix="countersign-kubernetes-")
    cluster = None
    try:
        cluster = Cluster(folder, files, "bare" in sys.argv[1:], over)
        threading.Thread(target=read, daemon=True).start()
        serve(cluster, commands)
    except Failed as failed:
        sys.exit(f"tests/kubernetes/serve.py: {failed}")
    finally:
        if cluster is not None:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
