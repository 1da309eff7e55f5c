"""OpenMined's PSI in its own environment: set-up, request, process and intersect, each timed by itself.

Sets are files of one identifier a line. Messages go through files as well, which is not timed.
"""

import importlib
from pathlib import Path
from typing import Any

from benchmarks.peers.program import Question, Timed, answer_questions

FALSE_POSITIVES = 1e-9
"""For the whole query, as in OpenMined's own examples. The default structure (GCS) is left as it is."""

psi: Any = importlib.import_module("private_set_intersection.python")


class _Party:
    """One side: what it keeps between its steps."""

    def __init__(self) -> None:
        self.server = psi.server.CreateWithNewKey(reveal_intersection=True)
        self.client = psi.client.CreateWithNewKey(reveal_intersection=True)
        self.rows: list[str] = []

    def setup(self, question: Question) -> dict[str, Any]:
        self.rows = Path(question["rows"]).read_text().splitlines()
        with Timed() as timed:
            message = self.server.CreateSetupMessage(FALSE_POSITIVES, question["clients"], self.rows)
            sent = message.SerializeToString()
        return _written(question, timed, sent)

    def request(self, question: Question) -> dict[str, Any]:
        self.rows = Path(question["rows"]).read_text().splitlines()
        with Timed() as timed:
            sent = self.client.CreateRequest(self.rows).SerializeToString()
        return _written(question, timed, sent)

    def process(self, question: Question) -> dict[str, Any]:
        content = Path(question["request"]).read_bytes()
        with Timed() as timed:
            request = psi.Request()
            request.ParseFromString(content)
            sent = self.server.ProcessRequest(request).SerializeToString()
        return _written(question, timed, sent)

    def intersect(self, question: Question) -> dict[str, Any]:
        contents = [Path(question[name]).read_bytes() for name in ("setup", "response")]
        with Timed() as timed:
            setup, response = psi.ServerSetup(), psi.Response()
            setup.ParseFromString(contents[0])
            response.ParseFromString(contents[1])
            found = self.client.GetIntersection(setup, response)
        return {**timed.spent, "found": len(found)}


def _written(question: Question, timed: Timed, message: bytes) -> dict[str, Any]:
    Path(question["out"]).write_bytes(message)
    return {**timed.spent, "bytes": len(message)}


def _main() -> None:
    party = _Party()
    steps = {"setup": party.setup, "request": party.request, "process": party.process, "intersect": party.intersect}
    answer_questions({"ready": lambda _question: {}, **steps})


if __name__ == "__main__":
    _main()
