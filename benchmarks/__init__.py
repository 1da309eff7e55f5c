"""What the hub and its SDK cost, next to what the same machine gives bare, in the same run.

Machines are noisy and differ, so a figure is worth its rival: every one stands beside a bare measure or a limit
that was taken in the same run, and the ratio of the two is what may be quoted.

Run `python -m benchmarks`; `--quick` for a smoke run. Nothing here prints an identifier: they are made up, from
numbers, and stay in the processes that use them.
"""
