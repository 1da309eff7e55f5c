"""One party of SecretFlow's unbalanced PSI in its own environment: a link to the other, then steps over it."""

import importlib
from typing import Any

from benchmarks.peers.program import Question, Timed, answer_questions

_RECEIVE_MS = 1_800_000

link: Any = importlib.import_module("spu.libspu").link
psi: Any = importlib.import_module("spu.psi")


class _Party:
    """A server or a client."""

    def __init__(self) -> None:
        self.link: Any = None

    def connect(self, question: Question) -> dict[str, Any]:
        """Link the two; both must be asked at once."""
        description = link.Desc()
        description.id = "benchmark"
        for name, address in question["parties"].items():
            description.add_party(name, address)
        description.recv_timeout_ms = _RECEIVE_MS
        self.link = link.create_brpc(description, question["rank"])
        self.link.barrier()
        return {}

    def run(self, question: Question) -> dict[str, Any]:
        """Run a mode of unbalanced PSI on a set; both must be asked at once."""
        config = psi.UbPsiExecuteConfig(
            mode=getattr(psi.UbPsiMode, question["mode"]),
            role=getattr(psi.UbPsiRole, question["role"]),
            client_receive_result=True,
            server_receive_result=False,
            cache_path=question["cache"],
            input_params=psi.InputParams(path=question["rows"], selected_keys=["id"], keys_unique=True),
            output_params=psi.OutputParams(path=question["out"], disable_alignment=True),
            server_params=psi.UbPsiServerParams(secret_key_path=question["key"]),
        )
        with Timed() as timed:
            found = psi.ub_psi_execute(config, self.link)
        return {**timed.spent, "found": found.intersection_count}


def _main() -> None:
    party = _Party()
    answer_questions({"ready": lambda _question: {}, "connect": party.connect, "run": party.run})


if __name__ == "__main__":
    _main()
