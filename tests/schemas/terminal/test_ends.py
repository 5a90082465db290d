"""How programs end; each in a process of its own, since ending changes streams and signals."""

import errno
import subprocess
import sys

import pytest


def _run(body: str) -> subprocess.CompletedProcess[str]:
    text = ("import sqlite3, sys\nfrom schemas.errors import BuildError, UsageError\n"
            "from schemas.terminal.ends import ended\n"
            f"def run():\n    {body}\n"
            "sys.exit(ended('oven', run, 'the dough is kept', 'oven --resume'))\n")
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)


MEND = "the dough is kept: mend the cause (disk full? permissions? network?) and run oven --resume again"


@pytest.mark.parametrize(("body", "code", "said"), [
    ("return 0", 0, ""),
    ("return 7", 7, ""),
    ("raise UsageError('no cake', seen=3)", 2, "oven: no cake (got 3)\n"),
    ("raise BuildError('the fire is out')", 1, "oven: the fire is out\n"),
    ("raise KeyboardInterrupt", 130, "oven: stopped; the dough is kept, oven --resume goes on from there\n"),
    (f"raise OSError({errno.ENOSPC}, 'No space left')", 1, f"oven: [Errno {errno.ENOSPC}] No space left; {MEND}\n"),
    ("raise sqlite3.OperationalError('disk I/O error')", 1, f"oven: disk I/O error; {MEND}\n"),
    ("raise type('Refused', (Exception,), {'__module__': 'botocore.exceptions'})('denied')", 1,
     f"oven: denied; {MEND}\n"),
])
def test_what_can_be_mended_is_one_line(body: str, code: int, said: str) -> None:
    done = _run(body)
    assert (done.returncode, done.stderr) == (code, said)


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    done = _run("return 1 // 0")
    assert done.returncode == 1 and "Traceback" in done.stderr and "ZeroDivisionError" in done.stderr


def test_a_reader_that_has_gone_hears_nothing_more() -> None:
    done = _run("print('cake'); raise BrokenPipeError")
    assert (done.returncode, done.stderr) == (1, "")


def test_letters_that_the_terminal_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = _run(r"print('caf\u00e9'); return 0")
    assert (done.returncode, done.stdout) == (0, "caf\\xe9\n")
