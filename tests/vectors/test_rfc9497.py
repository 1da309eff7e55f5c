"""RFC 9497 appendix A.1.2: VOPRF, ristretto255-SHA512, step by step.

The figures below are the RFC's own. The wider run takes the same suite from cfrg/draft-irtf-cfrg-voprf @43da59f
(`poc/vectors/allVectors.json`), kept beside the repository, and skips where that folder is absent.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import backends

from alliance.crypto import group, oprf, tagging
from alliance.crypto.group import Element, Scalar
from alliance.crypto.secret import Secret

WIDER = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "rfc9497" / "allVectors.json"

SEED = bytes.fromhex("a3" * 32)
KEY_INFO = bytes.fromhex("74657374206b6579")
SK_SM = "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909"
PK_SM = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e"


@dataclass(frozen=True)
class Vector:
    """One test vector; lists have one entry an item of the batch."""

    inputs: list[str]
    blinds: list[str]
    blinded_elements: list[str]
    evaluation_elements: list[str]
    proof: str
    proof_random_scalar: str
    outputs: list[str]


VECTORS = {
    "A.1.2.1": Vector(
        inputs=["00"],
        blinds=["64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"],
        blinded_elements=["863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"],
        evaluation_elements=["aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e"],
        proof="ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06"
        "6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
        proof_random_scalar="222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
        outputs=[
            (
                "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d"
                "a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c"
            ),
        ],
    ),
    "A.1.2.2": Vector(
        inputs=["5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"],
        blinds=["64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"],
        blinded_elements=["cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c"],
        evaluation_elements=["60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468"],
        proof="401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a"
        "67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
        proof_random_scalar="222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
        outputs=[
            (
                "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60"
                "356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6"
            ),
        ],
    ),
    "A.1.2.3": Vector(
        inputs=["00", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"],
        blinds=[
            "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
            "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
        ],
        blinded_elements=[
            "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
            "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
        ],
        evaluation_elements=[
            "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
            "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
        ],
        proof="cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a"
        "5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
        proof_random_scalar="419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
        outputs=[
            (
                "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d"
                "a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c"
            ),
            (
                "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60"
                "356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6"
            ),
        ],
    ),
}


def raw(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def elements(values: list[str]) -> list[Element]:
    return [group.deserialise_element(value) for value in raw(values)]


def scalars(values: list[str]) -> list[Scalar]:
    return [group.deserialise_scalar(value) for value in raw(values)]


def run_step_by_step(vector: Vector, sk: Scalar, pk: Element) -> None:
    """Hold every step of one vector against its figure."""
    inputs, blinds = raw(vector.inputs), scalars(vector.blinds)
    blinded = [oprf.blind_with(item, blind) for item, blind in zip(inputs, blinds, strict=True)]
    assert [element.hex() for element in blinded] == vector.blinded_elements
    r = scalars([vector.proof_random_scalar])[0]
    evaluated, proof = oprf.blind_evaluate_with(r, sk, pk, blinded)
    assert [element.hex() for element in evaluated] == vector.evaluation_elements
    assert proof.to_bytes().hex() == vector.proof
    oprf.verify_proof(group.GENERATOR, pk, blinded, evaluated, oprf.Proof.from_bytes(proof.to_bytes()))
    outputs = oprf.finalize(inputs, blinds, evaluated, blinded, pk, proof)
    assert [output.hex() for output in outputs] == vector.outputs
    assert [oprf.evaluate(sk, item).hex() for item in inputs] == vector.outputs


def test_suite_strings() -> None:
    assert oprf.CONTEXT_STRING == b"OPRFV1-\x01-ristretto255-SHA512"
    assert oprf.HASH_TO_GROUP_DST == b"HashToGroup-OPRFV1-\x01-ristretto255-SHA512"


def test_derive_key_pair() -> None:
    sk, pk = oprf.derive_key_pair(SEED, KEY_INFO)
    assert (sk.hex(), pk.hex()) == (SK_SM, PK_SM)
    pair = tagging.generate_key_pair(Secret(SEED), KEY_INFO)
    assert (pair.secret_key.reveal(), pair.public_key) == (sk, pk)


def test_the_list_is_not_empty() -> None:
    assert [len(vector.inputs) for vector in VECTORS.values()] == [1, 1, 2]


@pytest.mark.parametrize("number", VECTORS)
def test_step_by_step(number: str) -> None:
    run_step_by_step(VECTORS[number], *oprf.derive_key_pair(SEED, KEY_INFO))


@pytest.mark.parametrize("number", VECTORS)
def test_both_halves_are_those_of_the_two_composite_functions(number: str) -> None:
    vector = VECTORS[number]
    sk, pk = scalars([SK_SM])[0], elements([PK_SM])[0]
    c, d = elements(vector.blinded_elements), elements(vector.evaluation_elements)
    assert oprf.compute_composites_fast(sk, pk, c, d) == oprf.compute_composites(pk, c, d)


@pytest.mark.parametrize("name", backends.NAMES)
@pytest.mark.parametrize("number", VECTORS)
def test_every_backend_over_packed_bytes(number: str, name: str) -> None:
    vector, backend = VECTORS[number], backends.backend_named(name)
    blinds, inputs = Secret(b"".join(raw(vector.blinds))), raw(vector.inputs)
    blinded = backend.blind_multiplicative(inputs, blinds)
    assert blinded.encoded.hex() == "".join(vector.blinded_elements)
    evaluated, proof = backend.evaluate(
        Secret(bytes.fromhex(SK_SM)),
        blinded,
        # The nonce is drawn as 64 bytes and reduced: the figure, already reduced, comes out as it is.
        random_bytes=lambda _: bytes.fromhex(vector.proof_random_scalar) + bytes(32),
    )
    assert (evaluated.hex(), proof.hex()) == ("".join(vector.evaluation_elements), vector.proof)
    outputs = backend.finalize_multiplicative(inputs, blinds, blinded, evaluated, proof, bytes.fromhex(PK_SM))
    assert outputs.hex() == "".join(vector.outputs)


def _wider() -> dict[str, Any]:
    if not WIDER.exists():
        pytest.skip(f"no published vectors at {WIDER}")
    suites = json.loads(WIDER.read_text())
    found = [s for s in suites if s["identifier"] == "ristretto255-SHA512" and s["mode"] == oprf.MODE_VOPRF]
    assert len(found) == 1
    suite: dict[str, Any] = found[0]
    return suite


def test_wider_vectors() -> None:
    suite = _wider()
    assert suite["groupDST"] == oprf.HASH_TO_GROUP_DST.hex()
    sk, pk = oprf.derive_key_pair(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]))
    assert (sk.hex(), pk.hex()) == (suite["skSm"], suite["pkSm"])
    assert len(suite["vectors"]) >= 3
    for entry in suite["vectors"]:
        vector = Vector(
            inputs=entry["Input"].split(","),
            blinds=entry["Blind"].split(","),
            blinded_elements=entry["BlindedElement"].split(","),
            evaluation_elements=entry["EvaluationElement"].split(","),
            proof=entry["Proof"]["proof"],
            proof_random_scalar=entry["Proof"]["r"],
            outputs=entry["Output"].split(","),
        )
        assert len(vector.inputs) == entry["Batch"]
        run_step_by_step(vector, sk, pk)


def test_our_figures_are_the_published_ones() -> None:
    published = _wider()["vectors"]
    assert [entry["Output"] for entry in published] == [",".join(v.outputs) for v in VECTORS.values()]
    assert [entry["Proof"]["proof"] for entry in published] == [v.proof for v in VECTORS.values()]
