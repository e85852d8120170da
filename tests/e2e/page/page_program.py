"""The program and its log for the page's test and benchmark."""

import datetime
import json
import queue
import re
import signal
import subprocess
import threading
import urllib.request

START_DEADLINE_S = 30

AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
]


def line(number, when, path=None, status=None):
    """One line of a log in combined format, different for each number."""
    path = path or ["/", f"/articles/{number % 140}", "/style.css", "/logo.png", "/gone"][number % 5]
    status = status or (404 if path == "/gone" else 500 if number % 41 == 0 else 200)
    referrer = f"https://site{number % 7}.example/page" if number % 3 else "-"
    time_text = when.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f'203.0.113.{number % 200} - - [{time_text}] "{"POST" if number % 13 == 0 else "GET"} {path} HTTP/1.1" {status} '
        f'{number * 37 % 90_000} "{referrer}" "{AGENTS[number % len(AGENTS)]}"\n'
    )


def some_lines(count, start=None):
    start = start or datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=count / 10)
    return "".join(line(n, start + datetime.timedelta(seconds=n / 10)) for n in range(count))


class Program:
    """`millrace weblog` that follows `log` and serves its page. Use it in a `with`; leaving it ends it."""

    def __init__(self, program, log, data, address="127.0.0.1:0"):
        self._process = subprocess.Popen(
            [str(program), "weblog", str(log), "--page", address, "--data", str(data)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._said = []
        found = queue.Queue()
        threading.Thread(target=self._read, args=(found,), daemon=True).start()
        try:
            self.url = found.get(timeout=START_DEADLINE_S)
        except queue.Empty:
            self.url = None
        if self.url is None:
            self.end(signal.SIGKILL)
            raise AssertionError("the program gave no page address; it said:\n" + "".join(self._said))
        self.address = self.url.removeprefix("http://").rstrip("/")

    def _read(self, found):
        for text in self._process.stdout:
            self._said.append(text)
            if address := re.search(r"http://[0-9.]+:[0-9]+/", text):
                found.put(address.group())
        found.put(None)

    def report(self):
        with urllib.request.urlopen(self.url + "api/report", timeout=START_DEADLINE_S) as answer:
            return json.load(answer)

    def end(self, how=signal.SIGTERM):
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            code = self._process.wait(START_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"the program did not end on {how.name}")
        self._process.stdout.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.end(signal.SIGKILL)
