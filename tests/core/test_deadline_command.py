"""`manage.py deadline`, as its users call it: another process, no database."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(__file__).parent / "data" / "deadlines.csv"
NOWHERE = "postgres://nobody@127.0.0.1:1/nothing"


class Ran(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def deadline(*arguments):
    """In this process, without the mark that would let it reach the database."""
    out, errors = io.StringIO(), io.StringIO()
    try:
        call_command("deadline", *map(str, arguments), stdout=out, stderr=errors)
    except CommandError as error:
        return Ran(error.returncode, out.getvalue(), f"{errors.getvalue()}{error}\n")
    return Ran(0, out.getvalue(), errors.getvalue())


def deadline_process(*arguments):
    env = os.environ | {"DATABASE_URL": NOWHERE, "DATABASE_OWNER_URL": NOWHERE, "REDIS_URL": "redis://127.0.0.1:1/0"}
    command = [sys.executable, "manage.py", "deadline", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_a_file_of_receipts_gives_a_file_of_deadlines():
    ran = deadline_process("--csv", CASES)
    assert (ran.returncode, ran.stderr) == (0, "")
    header, *_ = ran.stdout.splitlines()
    assert header == "id,deadline,extended_deadline,deadline_ends_before_utc"
    with CASES.open(encoding="utf-8", newline="") as file:
        expected = [
            (r["id"], r["expected_deadline"], r["expected_extended_deadline"], r["deadline_ends_before_utc"])
            for r in csv.DictReader(file)
        ]
    assert [tuple(row.values()) for row in csv.DictReader(io.StringIO(ran.stdout))] == expected


def test_json_holds_dates_instants_and_the_explanation():
    ran = deadline("--jurisdiction", "NL", "--received", "2026-03-05T10:00:00+01:00", "--json")
    told = json.loads(ran.stdout)
    assert (ran.returncode, told["deadline"], told["extended_deadline"]) == (0, "2026-04-07", "2026-06-05")
    assert told["deadline_unrolled"] == "2026-04-05"
    assert told["deadline_ends_before_utc"] == "2026-04-07T22:00:00Z"
    assert told["extended_deadline_ends_before_utc"] == "2026-06-05T22:00:00Z"
    assert any("Easter Sunday" in sentence for sentence in told["explanation"])
    assert [step["code"] for step in told["steps"]][:2] == ["received", "period"]


def test_a_pause_and_the_words_for_people():
    ran = deadline("--jurisdiction", "UK", "--received", "2026-05-11T10:00:00+01:00",
                   "--pause", "clarification_uk:2026-05-13:2026-05-20")  # fmt: skip
    assert ran.returncode == 0
    assert "Deadline: 2026-06-19 (ends before 2026-06-19T23:00:00Z)" in ran.stdout
    assert "8 days do not count" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--jurisdiction", "GB", "--received", "2026-03-05T10:00:00+00:00"), 1, "Did you mean UK?"),
        (("--jurisdiction", "NL", "--received", "2026-03-05T10:00:00"), 1, "time zone"),
        (("--jurisdiction", "NL", "--received", "yesterday"), 1, "'yesterday'"),
        (("--jurisdiction", "NL", "--received", "2026-03-05T10:00:00Z", "--pause", "soon"), 1, "'soon' is no pause"),
        (("--csv", "nowhere.csv"), 1, "nowhere.csv can't be read"),
        (("--jurisdiction", "NL"), 2, "--received"),
        ((), 2, "--csv"),
    ],
)
def test_what_is_refused_says_why_in_one_line(arguments, code, reason):
    ran = deadline(*arguments)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert reason in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_refusal_as_a_shell_sees_it():
    ran = deadline_process("--jurisdiction", "NL")
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert "--received" in ran.stderr


def test_a_bad_row_is_named_and_the_others_are_computed(tmp_path):
    file = tmp_path / "receipts.csv"
    file.write_text("id,jurisdiction,received_at\na,NL,2026-03-05T10:00:00+01:00\nb,ZZ,2026-03-05T10:00:00+01:00\n"
                    "c,IE,2026-08-31T10:00:00+01:00\n")  # fmt: skip
    ran = deadline("--csv", file)
    assert ran.returncode == 1
    assert [line.split(",")[:2] for line in ran.stdout.splitlines()[1:]] == [["a", "2026-04-07"], ["c", "2026-09-30"]]
    assert "receipts.csv, line 3, b: Unknown jurisdiction 'ZZ'" in ran.stderr


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"id,when\n1,2\n", b""])
def test_a_file_that_is_no_table_of_receipts_is_refused(tmp_path, content):
    file = tmp_path / "broken.csv"
    file.write_bytes(content)
    ran = deadline("--csv", file)
    assert ran.returncode == 1
    assert "broken.csv" in ran.stderr
