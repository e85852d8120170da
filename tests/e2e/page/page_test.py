#!/usr/bin/env python3
"""The live page in a headless Chromium, over the real program: its figures, its states, keyboard,
colours and widths. Exit code 77 (skipped) without Chromium.

usage: page_test.py PROGRAM PICTURE_FOLDER
"""

import datetime
import gzip
import json
import os
import pathlib
import signal
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

from browser import Browser, find_chromium
from page_program import Program, line, some_lines

PROGRAM = None
PICTURES = None
BROWSER = None

LISTS = ["paths", "static_files", "not_found", "hosts", "referring_sites", "browsers", "systems"]
HOSTILE = "/<img/src=x/onerror=document.title='taken'>"


def setUpModule():
    global BROWSER
    BROWSER = Browser(find_chromium())


def tearDownModule():
    BROWSER.__exit__()


class PageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "access.log"
        self.browser = BROWSER
        self.browser.errors.clear()
        self.browser.look(1440, 900)

    def start(self, address="127.0.0.1:0"):
        program = Program(PROGRAM, self.log, self.folder / "data", address)
        self.addCleanup(program.__exit__)
        return program

    def append(self, text):
        with open(self.log, "a") as file:
            file.write(text)

    def text_of(self, identifier):
        return self.browser.evaluate(f"document.getElementById({json.dumps(identifier)}).textContent")

    def wait_for_state(self, word):
        return self.browser.wait_until(f"document.getElementById('state-word').textContent === {json.dumps(word)}")

    def wait_for_hits(self, count):
        return self.browser.wait_until(f"document.getElementById('hits-value').textContent === '{count:,}'")

    def rows(self, panel):
        """What a panel shows: [[first cell, hits], ...]."""
        return self.browser.evaluate(
            f"""[...document.querySelectorAll('#{panel} tbody tr')].map(row =>
                  [row.cells[0].textContent, Number(row.cells[1].textContent.replaceAll(',', ''))])"""
        )

    def open_with(self, text, hits):
        self.append(text)
        program = self.start()
        self.browser.open(program.url)
        self.wait_for_state("Live")
        self.wait_for_hits(hits)
        return program


class Figures(PageTest):
    def test_equal_the_report(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        garbled = "this is no log line\n\x16\x03\x01\n"
        program = self.open_with(some_lines(2000) + garbled + line(7, now, HOSTILE), 2001)
        report = program.report()

        self.assertEqual((report["lines"], report["hits"], report["rejected"]), (2003, 2001, 2))
        self.assertEqual(self.text_of("hits-note"), "of 2,003 lines")
        self.assertEqual(self.text_of("visitors-value"), f"{report['unique_visitors']:,}")
        self.assertEqual(self.text_of("rejected-value"), "2")
        errors = sum(hits for code, hits in report["status"].items() if code[0] in "45")
        self.assertAlmostEqual(
            float(self.text_of("errors-value").rstrip("%")), 100 * errors / report["hits"], delta=0.051
        )
        for name in LISTS:
            with self.subTest(panel=name):
                wanted = [[entry["name"], entry["hits"]] for entry in report[name][:100]]
                self.assertTrue(wanted, "the test's log should fill every list")
                self.assertEqual(sorted(self.rows(name)), sorted(wanted))
                self.assertEqual([hits for _, hits in self.rows(name)], [hits for _, hits in wanted])
        self.assertEqual({name.split()[0]: hits for name, hits in self.rows("status")}, report["status"])
        self.assertEqual(dict(self.rows("methods")), report["methods"])

        shown = self.browser.evaluate(
            "[...document.querySelectorAll('#rejected-list li')].map(row => [...row.children].map(c => c.textContent))"
        )
        self.assertEqual([row[1] for row in shown], [sample["reason"] for sample in report["rejected_samples"]])
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('#file-list li').length"), 1)
        self.assertEqual(self.browser.errors, [])

    def test_log_text_stays_text(self):
        self.open_with(line(1, datetime.datetime.now(datetime.timezone.utc), HOSTILE), 1)
        self.assertIn([HOSTILE, 1], self.rows("paths"))
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('main img, main script').length"), 0)
        self.assertNotEqual(self.browser.evaluate("document.title"), "taken")
        self.assertEqual(self.browser.errors, [])

    def test_change_when_a_line_is_appended(self):
        self.open_with(some_lines(50), 50)
        for hits in range(51, 54):
            self.append(line(hits, datetime.datetime.now(datetime.timezone.utc)))
            self.wait_for_hits(hits)
        self.assertEqual(self.browser.errors, [])

    def test_charts_show_the_newest_hits(self):
        self.open_with(some_lines(600), 600)
        for chart in ("seconds", "windows"):
            self.assertEqual(self.browser.evaluate(f"document.querySelectorAll('#{chart} canvas').length"), 1)
            self.assertRegex(
                self.browser.evaluate(f"document.querySelector('#{chart} [role=img]').getAttribute('aria-label')"),
                r"UTC, [0-9,]+ hits?, [0-9,]+ errors?. Most in one (second|minute): [1-9]",
            )
        self.browser.evaluate("document.getElementById('per-hour').click()")
        self.assertEqual(self.text_of("windows-title"), "Hits and errors per hour")
        self.browser.wait_until(
            "document.querySelector('#windows [role=img]').getAttribute('aria-label').includes('Most in one hour')"
        )


class States(PageTest):
    def test_waiting_is_shown_until_the_first_line(self):
        program = self.start()
        self.browser.open(program.url)
        self.wait_for_state("Waiting")
        self.assertIn("access.log", self.text_of("notice-text"))
        self.assertIn("No hits yet", self.text_of("seconds"))
        self.browser.screenshot(PICTURES / "page-waiting.png")
        self.append(line(1, datetime.datetime.now(datetime.timezone.utc)))
        self.wait_for_state("Live")
        self.wait_for_hits(1)
        self.assertTrue(self.browser.evaluate("document.getElementById('notice').hidden"))

    def test_a_program_that_dies_is_disconnected_and_comes_back(self):
        program = self.open_with(some_lines(20), 20)
        program.end(signal.SIGKILL)
        self.wait_for_state("Disconnected")
        self.assertIn("Trying again", self.text_of("notice-text"))
        self.assertEqual(self.text_of("hits-value"), "20")
        self.browser.screenshot(PICTURES / "page-disconnected.png")
        self.append(line(1, datetime.datetime.now(datetime.timezone.utc), "/after"))
        restarted = self.start(program.address)
        self.wait_for_state("Live")
        self.browser.wait_until("document.querySelector('#paths tbody').textContent.includes('/after')")
        # What was captured but not yet noted as such may be captured twice after a kill -9; nothing is lost.
        hits = restarted.report()["hits"]
        self.assertGreaterEqual(hits, 21)
        self.wait_for_hits(hits)

    def test_a_program_that_ends_is_stopped(self):
        program = self.open_with(some_lines(20), 20)
        self.assertEqual(program.end(signal.SIGTERM), 0)
        self.wait_for_state("Stopped")
        self.assertIn("has stopped", self.text_of("notice-text"))
        self.assertEqual(self.text_of("hits-value"), "20")


class Controls(PageTest):
    def focused(self):
        return self.browser.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")

    def test_slash_searches_and_escape_clears(self):
        self.open_with(some_lines(1000), 1000)
        all_rows = len(self.rows("paths"))
        self.browser.press("/", "Slash", "/")
        self.assertEqual(self.focused(), "search")
        self.browser.type("articles 13")
        self.browser.wait_until("document.querySelector('#paths .tally').textContent.includes(' of ')")
        names = [name for name, _ in self.rows("paths")]
        self.assertTrue(names and all("articles" in name and "13" in name for name in names), names)
        self.assertIn("Nothing here matches", self.text_of("browsers"))
        self.browser.press("Escape")
        self.assertEqual(len(self.rows("paths")), all_rows)

    def test_a_search_finds_what_is_beyond_the_first_hundred(self):
        many = "".join(
            line(n, datetime.datetime.now(datetime.timezone.utc), f"/page-{n % 300}") for n in range(600)
        ) + line(1, datetime.datetime.now(datetime.timezone.utc), "/rare")
        self.open_with(many, 601)
        self.browser.press("/", "Slash", "/")
        self.browser.type("rare")
        self.browser.wait_until("document.querySelectorAll('#paths tbody tr').length === 1")
        self.assertEqual(self.rows("paths"), [["/rare", 1]])

    def test_lists_sort_by_keyboard(self):
        self.open_with(some_lines(500), 500)
        header = "document.querySelector('#hosts th.name')"
        self.browser.evaluate(f"{header}.querySelector('button').focus()")
        self.browser.press("Enter", text="\r")
        self.assertEqual(self.browser.evaluate(f"{header}.getAttribute('aria-sort')"), "ascending")
        names = [name for name, _ in self.rows("hosts")]
        self.assertEqual(names, sorted(names, key=lambda name: [int(part) for part in name.split(".")]))
        self.browser.press("Enter", text="\r")
        self.assertEqual(self.browser.evaluate(f"{header}.getAttribute('aria-sort')"), "descending")
        self.assertEqual([name for name, _ in self.rows("hosts")], names[::-1])

    def test_tab_goes_from_the_skip_link_through_the_header(self):
        self.open_with(some_lines(10), 10)
        seen = []
        for _ in range(4):
            self.browser.press("Tab")
            seen.append(self.focused())
        self.assertEqual(seen, ["Skip to the figures", "search", "theme", "per-minute"])

    def test_the_theme_button_overrides_the_system(self):
        self.open_with(some_lines(10), 10)
        background = "getComputedStyle(document.body).backgroundColor"
        light = self.browser.evaluate(background)
        self.browser.evaluate("document.getElementById('theme').click()")  # light
        self.assertEqual(self.browser.evaluate(background), light)
        self.browser.evaluate("document.getElementById('theme').click()")  # dark
        self.assertNotEqual(self.browser.evaluate(background), light)
        self.browser.evaluate("document.getElementById('theme').click()")  # as the system
        self.assertEqual(self.browser.evaluate(background), light)


class Looks(PageTest):
    def test_pictures_in_light_and_dark_and_on_a_phone(self):
        self.open_with(some_lines(3000), 3000)
        for name, width, height, scheme, scale in (
            ("page-light", 1440, 1000, "light", 1),
            ("page-dark", 1440, 1000, "dark", 1),
            ("page-phone", 390, 844, "light", 2),
            ("page-phone-dark", 390, 844, "dark", 2),
        ):
            with self.subTest(picture=name):
                self.browser.look(width, height, scheme, scale, phone=width < 500)
                self.browser.screenshot(PICTURES / f"{name}.png")
                overflow = self.browser.evaluate("document.documentElement.scrollWidth - innerWidth")
                self.assertLessEqual(overflow, 0, "the page scrolls sideways")


class Served(PageTest):
    def test_the_page_comes_with_a_policy_compressed_and_only_once(self):
        program = self.start()
        with urllib.request.urlopen(program.url) as answer:
            plain = answer.read()
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        asked = urllib.request.Request(program.url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(asked) as answer:
            packed = answer.read()
        self.assertEqual(gzip.decompress(packed), plain)
        self.assertLess(len(packed), 120_000)
        again = urllib.request.Request(program.url, headers={"If-None-Match": headers["ETag"]})
        with self.assertRaises(urllib.error.HTTPError) as not_modified:
            urllib.request.urlopen(again)
        self.assertEqual(not_modified.exception.code, 304)
        not_modified.exception.close()

    def test_another_sites_name_is_refused(self):
        program = self.start()
        for host, code in (("localhost", 200), ("evil.example", 421)):
            asked = urllib.request.Request(program.url + "api/report", headers={"Host": host})
            try:
                with urllib.request.urlopen(asked) as answer:
                    got = answer.status
            except urllib.error.HTTPError as refused:
                got = refused.code
                refused.close()
            self.assertEqual(got, code, host)


def main():
    global PROGRAM, PICTURES
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if find_chromium() is None:
        print("NOT RUN: the page's tests need Chromium, and there is none (Debian: apt-get install chromium).")
        sys.exit(77)
    PROGRAM = os.path.abspath(sys.argv[1])
    PICTURES = pathlib.Path(sys.argv[2])
    PICTURES.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)


if __name__ == "__main__":
    main()
