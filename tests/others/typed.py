"""Runs a program on a terminal of its own, as a person at a keyboard does.

    typed.py [QUESTION ANSWER]... -- PROGRAM ARGUMENT...

Types each answer once its question has come, prints everything that the terminal showed, and ends
as the program ended. A question that does not come within a minute ends both.
"""

import os
import pty
import select
import sys
import time


def main():
    split = sys.argv.index("--")
    words, program = sys.argv[1:split], sys.argv[split + 1 :]
    waiting = list(zip(words[::2], words[1::2]))
    child, terminal = pty.fork()
    if child == 0:
        os.execv(program[0], program)
    shown, seen, limit = b"", 0, time.monotonic() + 60
    while time.monotonic() < limit:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
        while waiting:
            at = shown.find(waiting[0][0].encode(), seen)
            # The whole question, with its mark, is on the terminal before anybody types.
            if at < 0 or b": " not in shown[at:]:
                break
            # Echo is off by then where a secret is asked for.
            time.sleep(0.05)
            os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
            seen = len(shown)
    else:
        os.kill(child, 9)
    _, status = os.waitpid(child, 0)
    sys.stdout.buffer.write(shown)
    sys.stdout.flush()
    sys.exit(os.waitstatus_to_exitcode(status) % 256)


main()
