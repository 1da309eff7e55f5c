"""Adopted policies: versions of the policy's tables under which the alliance agreed to be served."""

from dataclasses import dataclass

POLICY_SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class AdoptedPolicy:
    """A version of the tables, as `POLICY_VERSION` is; when it was adopted, milliseconds UTC."""

    policy_sha256: bytes
    adopted_at: int
