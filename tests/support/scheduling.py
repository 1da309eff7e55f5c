"""How xdist shares the tests out: those of a file stay together, for they share a hub; long pages go singly."""

from xdist.scheduler.loadfile import LoadFileScheduling

APART = "test_a_page_runs["


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # the package has no types
    """Shares files out, and single pages."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if APART in nodeid else str(super()._split_scope(nodeid))
