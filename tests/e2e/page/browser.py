"""A headless Chromium, driven over its DevTools protocol with nothing but Python's standard library."""

import base64
import json
import os
import queue
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en-US",
    "--remote-debugging-port=0",
]


def find_chromium():
    """The browser's program, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    return None


class WebSocket:
    """The client half of RFC 6455 that DevTools needs: text messages, pings, no extensions."""

    def __init__(self, url, timeout):
        host_port, path = url.removeprefix("ws://").split("/", 1)
        host, port = host_port.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=timeout)
        self._socket.settimeout(None)
        self._buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host_port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise OSError(f"the browser refused the connection: {head[:100]!r}")

    def send(self, text):
        payload = text.encode()
        mask = os.urandom(4)
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x81, 0x80 | size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x81, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x81, 0x80 | 127, size)
        masked = bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload))
        self._socket.sendall(head + mask + masked)

    def receive(self):
        """The next whole message, or None when the browser has gone."""
        message = b""
        while True:
            try:
                first, second = self._take(2)
                size = second & 0x7F
                if size == 126:
                    (size,) = struct.unpack("!H", self._take(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", self._take(8))
                payload = self._take(size)
            except OSError:
                return None
            opcode = first & 0x0F
            if opcode == 8:
                return None
            if opcode in (0, 1, 2):
                message += payload
                if first & 0x80:
                    return message.decode()

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _fill(self):
        more = self._socket.recv(1 << 16)
        if not more:
            raise OSError("the browser closed the connection")
        self._buffer += more

    def _take(self, size):
        while len(self._buffer) < size:
            self._fill()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


class Browser:
    """One browser with one tab. Use it in a `with`; leaving it ends the browser and removes its profile."""

    def __init__(self, program, deadline_s=30):
        self._deadline_s = deadline_s
        self._profile = tempfile.mkdtemp(prefix="millrace-page-")
        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            endpoint = self._read_endpoint()
            port = endpoint.removeprefix("ws://").split("/", 1)[0]
            with urllib.request.urlopen(f"http://{port}/json/list", timeout=deadline_s) as answer:
                tab = next(each for each in json.load(answer) if each["type"] == "page")
            self._socket = WebSocket(tab["webSocketDebuggerUrl"], deadline_s)
        except BaseException:
            self._end()
            raise
        self._last_id = 0
        self._answers = {}
        self._arrived = threading.Condition()
        self._gone = False
        self.errors = []
        threading.Thread(target=self._listen, daemon=True).start()
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._end()

    def call(self, method, **parameters):
        """One DevTools command; its result."""
        with self._arrived:
            self._last_id += 1
            identifier = self._last_id
        self._socket.send(json.dumps({"id": identifier, "method": method, "params": parameters}))
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: self._gone or identifier in self._answers, self._deadline_s)
            if not arrived or identifier not in self._answers:
                raise TimeoutError(f"no answer to {method} within {self._deadline_s} s")
            answer = self._answers.pop(identifier)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url):
        self.call("Page.navigate", url=url)

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def wait_until(self, condition, deadline_s=None):
        """Waits until the JavaScript `condition` holds, looking at every change of the page; the page's time of it, Unix ms."""
        # Less than the deadline of the call: the page tells what it shows instead.
        limit_ms = int(1000 * (deadline_s or self._deadline_s) * 0.8)
        return self.evaluate(
            f"""new Promise((done, failed) => {{
              const holds = () => {{ try {{ return {condition}; }} catch {{ return false; }} }};
              if (holds()) return done(Date.now());
              const watcher = new MutationObserver(() => {{
                if (!holds()) return;
                watcher.disconnect();
                clearTimeout(limit);
                done(Date.now());
              }});
              watcher.observe(document, {{subtree: true, childList: true, characterData: true, attributes: true}});
              const limit = setTimeout(() => {{
                watcher.disconnect();
                failed(new Error("not within {limit_ms} ms: " + {json.dumps(condition)} + "; the page shows: " +
                                 document.body.innerText.slice(0, 600)));
              }}, {limit_ms});
            }})"""
        )

    def press(self, key, code=None, text=None):
        """A key as a person presses it."""
        common = {"key": key, "code": code or key, **({"text": text} if text else {})}
        virtual = {"Tab": 9, "Enter": 13, "Escape": 27, "/": 191}.get(key)
        if virtual:
            common["windowsVirtualKeyCode"] = virtual
        self.call("Input.dispatchKeyEvent", type="keyDown", **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in common.items() if k != "text"})

    def type(self, text):
        self.call("Input.insertText", text=text)

    def look(self, width, height, scheme="light", scale=1, phone=False):
        """Sets the window's size and the system's colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path, whole_page=False):
        settled = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.evaluate(settled)
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole_page)
        with open(path, "wb") as file:
            file.write(base64.b64decode(taken["data"]))

    def _read_endpoint(self):
        lines = queue.Queue()

        def read():
            for line in self._process.stderr:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        said = []
        end = time.monotonic() + self._deadline_s
        while True:
            try:
                line = lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise OSError("Chromium did not start: " + "".join(said)[-2000:])
            said.append(line)
            if line.startswith("DevTools listening on "):
                return line.removeprefix("DevTools listening on ").strip()

    def _listen(self):
        while (message := self._socket.receive()) is not None:
            heard = json.loads(message)
            with self._arrived:
                if "id" in heard:
                    self._answers[heard["id"]] = heard
                else:
                    self._note(heard)
                self._arrived.notify_all()
        with self._arrived:
            self._gone = True
            self._arrived.notify_all()

    def _note(self, event):
        parameters = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            # A server that went away on purpose is no error of the page.
            if parameters["entry"]["source"] != "network":
                self.errors.append(parameters["entry"]["text"])

    def _end(self):
        try:
            os.killpg(self._process.pid, 15)
            self._process.wait(10)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
        self._process.stderr.close()
        shutil.rmtree(self._profile, ignore_errors=True)
