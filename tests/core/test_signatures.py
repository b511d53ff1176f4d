"""Signatures of webhooks: the example of the specification, and everything that is not right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.signatures import TOLERANCE_MS, BadSignature, check_signature, format_secret, read_secret, sign

# The example that the Standard Webhooks specification and its libraries give.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, SECONDS, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = 1_614_265_330_000


def test_the_example_of_the_specification() -> None:
    assert sign(read_secret(SECRET), ID, SECONDS, BODY) == SIGNATURE
    check_signature(read_secret(SECRET), ID, SECONDS, f"v1a,x v1,AAAA {SIGNATURE}", BODY, NOW)
    check_signature(read_secret(SECRET), ID, SECONDS, SIGNATURE, BODY, NOW + TOLERANCE_MS)


@pytest.mark.parametrize(
    ("id_", "seconds", "signatures", "body", "now"),
    [
        (None, SECONDS, SIGNATURE, BODY, NOW),
        (ID, None, SIGNATURE, BODY, NOW),
        (ID, SECONDS, None, BODY, NOW),
        (ID, SECONDS, "", BODY, NOW),
        ("msg_other", SECONDS, SIGNATURE, BODY, NOW),
        (ID, "1614265331", SIGNATURE, BODY, NOW),
        (ID, SECONDS, SIGNATURE, BODY + b" ", NOW),
        (ID, SECONDS, SIGNATURE.removeprefix("v1,"), BODY, NOW),
        (ID, SECONDS, SIGNATURE.replace("v1", "v2"), BODY, NOW),
        (ID, SECONDS, SIGNATURE, BODY, NOW + TOLERANCE_MS + 1),
        (ID, SECONDS, SIGNATURE, BODY, NOW - TOLERANCE_MS - 1),
        (ID, "-5", SIGNATURE, BODY, NOW),
        (ID, "1" * 40, SIGNATURE, BODY, NOW),
        (ID, SECONDS, "v1,ř", BODY, NOW),
    ],
)
def test_what_is_not_right(id_: str | None, seconds: str | None, signatures: str | None, body: bytes, now: int) -> None:
    with pytest.raises(BadSignature):
        check_signature(read_secret(SECRET), id_, seconds, signatures, body, now)


@given(key=st.binary(min_size=24, max_size=64), other=st.binary(min_size=24, max_size=64), body=st.binary())
def test_only_the_key_it_was_signed_with_is_right(key: bytes, other: bytes, body: bytes) -> None:
    assert read_secret(format_secret(key)) == key
    signed = sign(key, ID, SECONDS, body)
    check_signature(key, ID, SECONDS, signed, body, NOW)
    if other != key:
        with pytest.raises(BadSignature):
            check_signature(other, ID, SECONDS, signed, body, NOW)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_short", "whsec_!!", "ř", "whsec_" + "QUJD" * 30])
def test_secrets_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="signing secret"):
        read_secret(text)
