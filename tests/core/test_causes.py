"""Fingerprints of failures: what differs from message to message does not count, what tells them apart does."""

from __future__ import annotations

import pytest

from segue.core.causes import cause_of, normalised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no customer 4274", "no customer 17"),
        ("Order A-17/3 is gone", "Order B-9/44 is gone"),
        ("018f2b3c-7a1e-7c3d-9b2a-0123456789ab is unknown", "018f2b3c-ffff-7c3d-9b2a-0123456789cd is unknown"),
        ("GET https://crm.example/c/1?x=a failed", "GET https://crm.example/c/22 failed"),
        ("ann@example.test is no customer", "bob.b@example.test is no customer"),
        ("due 2024-05-01T10:00:00Z", "due 2025-11-30T23:59:59+01:00"),
        ('no price for "LP 12"', 'no price for "CD 3"'),
        ("two  spaces", "Two spaces"),
        ("hash deadbeef01 differs", "hash 0badc0ffee differs"),
    ],
)
def test_the_same_cause(one: str, other: str) -> None:
    assert cause_of("n", "failed", one) == cause_of("n", "failed", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("n", "failed", "no customer"), ("n", "failed", "no price")),
        (("n", "failed", "no customer"), ("m", "failed", "no customer")),
        (("n", "failed", "no customer"), ("n", "status", "no customer")),
        (("n", "failed", "no 'customer'"), ("n", "failed", "no 'price'")),
        (("n", None, None), ("n", "failed", None)),
    ],
)
def test_another_cause(one: tuple[str, str | None, str | None], other: tuple[str, str | None, str | None]) -> None:
    assert cause_of(*one) != cause_of(*other)


def test_a_long_reason_takes_no_long_time() -> None:
    assert len(normalised("a1" * 1_000_000)) <= 500
    assert len(normalised("x" * 1_000_000)) <= 500
