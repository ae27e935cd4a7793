"""Janus AudioBridge with plain-RTP participants: starts its own Janus with its own configuration
and drives it over a Unix socket."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PLUGINS = "/usr/lib/x86_64-linux-gnu/janus"
ROOM = 1
FIRST_PORT, PORTS = 42000, 2000


def _library(*parts):
    """Where Debian put Janus's plugins, whatever the architecture."""
    if os.path.isdir(PLUGINS):
        return os.path.join(PLUGINS, *parts)
    triplet = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True)
    return os.path.join("/usr/lib", triplet.stdout.strip(), "janus", *parts)


class Janus:
    """One Janus process with one AudioBridge room."""

    def __init__(self, cpu, log):
        self.home = tempfile.mkdtemp(prefix="tessera-janus-")
        self.path = os.path.join(self.home, "api")
        self._configure()
        command = ["janus", "-F", self.home]
        if cpu is not None:
            command = ["taskset", "-c", str(cpu)] + command
        self.log = open(log, "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        self.transactions = 0
        self.socket = self._connect()
        self.session = self.ask({"janus": "create"})["data"]["id"]
        # One handle for the room, one for each participant.
        self.control = self._attach()
        self.message(self.control, {"request": "create", "room": ROOM, "sampling_rate": 48000,
                                    "allow_rtp_participants": True, "audiolevel_ext": False})

    def _configure(self):
        files = {
            "janus.jcfg": f'general: {{ configs_folder = "{self.home}"; '
                          f'plugins_folder = "{_library("plugins")}"; '
                          f'transports_folder = "{_library("transports")}"; '
                          'debug_level = 3; session_timeout = 0 }\n'
                          'plugins: { disable = "libjanus_duktape.so,libjanus_lua.so,libjanus_sip.so,'
                          'libjanus_nosip.so,libjanus_echotest.so,libjanus_recordplay.so,'
                          'libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,'
                          'libjanus_videoroom.so,libjanus_voicemail.so" }\n'
                          'transports: { disable = "libjanus_http.so,libjanus_mqtt.so,'
                          'libjanus_nanomsg.so,libjanus_rabbitmq.so,libjanus_websockets.so" }\n',
            "janus.transport.pfunix.jcfg": f'general: {{ enabled = true; path = "{self.path}"; '
                                           'type = "SOCK_SEQPACKET" }\n',
            "janus.plugin.audiobridge.jcfg": 'general: { local_ip = "127.0.0.1"; '
                                             f'rtp_port_range = "{FIRST_PORT + PORTS}-'
                                             f'{FIRST_PORT + 2 * PORTS}" }}\n',
        }
        for name, text in files.items():
            with open(os.path.join(self.home, name), "w") as file:
                file.write(text)

    def _connect(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                connection.connect(self.path)
                connection.settimeout(10)
                return connection
            except OSError:
                connection.close()
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        sys.exit(f"Janus does not start; see {self.log.name}.")

    def ask(self, request):
        """The answer to one request; what else Janus says meanwhile is skipped, acks too."""
        self.transactions += 1
        transaction = f"t{self.transactions}"
        self.socket.send(json.dumps(dict(request, transaction=transaction)).encode())
        while True:
            answer = json.loads(self.socket.recv(65536))
            if answer.get("transaction") != transaction or answer["janus"] == "ack":
                continue
            if answer["janus"] == "error":
                sys.exit(f"Janus refuses {request}: {answer['error']['reason']}")
            return answer

    def _attach(self):
        return self.ask({"janus": "attach", "session_id": self.session,
                         "plugin": "janus.plugin.audiobridge"})["data"]["id"]

    def message(self, handle, body):
        data = self.ask({"janus": "message", "session_id": self.session, "handle_id": handle,
                         "body": body})["plugindata"]["data"]
        if "error" in data:
            sys.exit(f"AudioBridge refuses {body}: {data['error']}")
        return data

    def join(self, number):
        """(our port, Janus's port) of a new participant."""
        port = FIRST_PORT + number
        data = self.message(self._attach(), {
            "request": "join", "room": ROOM, "display": f"p{number}",
            "rtp": {"ip": "127.0.0.1", "port": port, "payload_type": 111}})
        return port, data["rtp"]["port"]

    def stop(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.home)
