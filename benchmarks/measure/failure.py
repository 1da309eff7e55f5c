"""How a run fails."""


class BenchmarkFailed(Exception):
    """A run that cannot be believed: something failed, or an answer was wrong."""


class PeerMissing(Exception):
    """A rival that cannot be had here; the text says why, in one line. Its part says so and goes on."""
