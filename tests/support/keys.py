"""Key files for a process that opens the same ones again and again, as no program does."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alliance.crypto.secret import Secret
from alliance.keyring import store


def derive_once() -> None:
    """Remember from now on what scrypt made of a passphrase and a salt.

    A test enrols and opens the same profile, and every hub's folder is a copy of one: each would cost another 0.1 s
    and 32 MB. What is derived is the same, by the same costs, once for each key file; programs that are started as
    processes derive for themselves.
    """
    derive, known = store._derive, {}

    def remembered(passphrase: Secret, parameters: dict[str, object]) -> AESGCM:
        asked = passphrase.reveal(), *(str(parameters[name]) for name in ("salt", *sorted(store.SCRYPT)))
        if asked not in known:
            known[asked] = derive(passphrase, parameters)
        return known[asked]

    store._derive = remembered
