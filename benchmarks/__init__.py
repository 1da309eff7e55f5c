"""What the hub and its SDK cost, next to their rivals in the same run.

Machines are noisy and differ, so a figure is worth its rival: every one stands beside a peer, a bare measure or a
limit that was taken in the same run, and the ratio of the two is what may be quoted.

    parts/      what is measured, a module a part; `python -m benchmarks --help` lists them
    peers/      other people's programs, each in a virtual environment of its own
    stage/      the hub, the members, the claims and the echo that a part is played on
    measure/    clocks, memory, bytes, profiles, and the processes of a run
    report.py   figures, results.json, the table; goals.py what must be reached; sizes.py how much is measured

Nothing here prints an identifier: they are made up, from numbers, and leave the run's own folder for nowhere.
"""
