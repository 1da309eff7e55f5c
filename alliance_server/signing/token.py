"""A PKCS#11 token as the hub uses it: one session, one caller at a time, opened again where it was lost.

Rules:

1. Sessions are not for several threads, and modules may be loaded in a way that forbids two calls at once: one lock
   for all tokens of the process.
2. What fails closes the session. The next call opens another and tries once more; what fails then is TokenFailed, and
   nothing is signed by anything else instead.
3. A PIN that was refused is not tried again by this process: tokens lock themselves after a few.
"""

from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from alliance.crypto.secret import Secret
from alliance.errors import Reason
from alliance_server.domain.errors import Refused

if TYPE_CHECKING:
    import pkcs11

T = TypeVar("T")
_LOCK = RLock()
_TOKENS: dict[tuple[str, str], "Token"] = {}


class TokenFailed(Refused):
    """A PKCS#11 token cannot be used now; callers of the hub are told that it is busy."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.UNAVAILABLE, detail)


def open_token(module: str, label: str, pin: Secret) -> "Token":
    """Give a token of this process: a process logs in once, whoever asks. Raises TokenFailed."""
    with _LOCK:
        token = _TOKENS.get((module, label))
        if token is None:
            token = Token(module, label, pin)
            token.run(lambda _session: None)
            _TOKENS[module, label] = token
        token.check_pin(pin)
        return token


class Token:
    """A token and the one session with it."""

    def __init__(self, module: str, label: str, pin: Secret) -> None:
        self._module = module
        self._label = label
        self._pin = pin
        self._session: Any = None
        self._is_refused = False

    def __repr__(self) -> str:
        return f"Token({self._label!r})"

    def check_pin(self, pin: Secret) -> None:
        """Raise TokenFailed unless this is the PIN that the session was opened with."""
        if pin != self._pin:
            raise TokenFailed(f"the token '{self._label}' refuses the PIN")

    def run(self, work: Callable[["pkcs11.Session"], T]) -> T:
        """Do something within the session; raises TokenFailed. It may be done twice, the first time in vain."""
        pkcs11 = _library()
        with _LOCK:
            for is_last in (False, True):
                try:
                    return work(self._opened())
                except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinExpired, pkcs11.PinInvalid) as error:
                    self._is_refused = True
                    raise TokenFailed(f"the token '{self._label}' refuses the PIN: {type(error).__name__}") from None
                except (pkcs11.PKCS11Error, RuntimeError) as error:
                    self._forget()
                    if is_last:
                        raise TokenFailed(f"the token '{self._label}' fails: {type(error).__name__}") from None
            raise AssertionError("unreachable: the last try returns or raises")

    def close(self) -> None:
        """End the session; the next call opens another."""
        with _LOCK:
            self._forget()

    def _opened(self) -> Any:  # noqa: ANN401 - a session
        if self._is_refused:
            raise TokenFailed(f"the token '{self._label}' refused the PIN before: correct it and start again")
        if self._session is None:
            self._session = self._found().open(rw=True, user_pin=self._pin.reveal().decode())
        return self._session

    def _found(self) -> Any:  # noqa: ANN401 - a token
        pkcs11 = _library()
        try:
            module = pkcs11.lib(self._module)
        except (pkcs11.PKCS11Error, RuntimeError, OSError):
            raise TokenFailed(f"the PKCS#11 module {self._module} cannot be loaded") from None
        try:
            return module.get_token(token_label=self._label)
        except pkcs11.PKCS11Error:
            module.reinitialize()  # modules look for tokens when they begin; one may have come, or come back, since
            for other in _TOKENS.values():  # their sessions ended, and another token's may be given the same number
                if other._module == self._module:
                    other._session = None
        try:
            return module.get_token(token_label=self._label)
        except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned) as error:
            what = f"{self._module} shows no one token '{self._label}'"
            raise TokenFailed(f"{what}: {type(error).__name__}") from None

    def _forget(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except (_library().PKCS11Error, RuntimeError):
                return  # it is gone, which is what was wanted


def _library() -> Any:  # noqa: ANN401 - a module that may not be installed
    try:
        import pkcs11
    except ImportError:
        raise TokenFailed("keys in a token need python-pkcs11: install alliance-hub[server,pkcs11]") from None
    return pkcs11
