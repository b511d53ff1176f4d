"""The workers of the demo, called as an engine calls them."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from demo.data import between, read_orders
from demo.verify import expected
from segue_sdk.testing import Outcome, run_action

ORDER = {
    "order": 1,
    "customer": "C-00004",
    "day": "1997-01-01",
    "cds": 2,
    "cents": 2933,
    "weight_g": 210,
    "parcels": 1,
}


@pytest.fixture
def workers(systems: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    for name, url in systems.items():
        monkeypatch.setenv(f"{name.upper()}_URL", url)
    return {name: importlib.import_module(f"demo.workers.{name}") for name in systems}


def run(module: ModuleType, action: str, body: object, **headers: str) -> Outcome:
    return run_action(module.worker, action, body=body, headers={n.replace("_", "-"): v for n, v in headers.items()})


def test_a_day_is_fetched_in_pages_that_the_cursor_joins(workers: dict[str, ModuleType]) -> None:
    numbers: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        outcome = run(workers["shop"], "fetch-orders", {"day": "1997-02-23"}, cursor=cursor)
        assert outcome.ok, outcome.reason
        numbers += [item.json()["number"] for item in outcome.items]
        cursor = outcome.cursor
    assert sorted(numbers) == sorted(o.number for o in between(read_orders(), "1997-02-23", "1997-02-23"))


def test_every_record_maps_to_what_the_proof_expects(workers: dict[str, ModuleType]) -> None:
    """The proof works out from the file what has to arrive, and must not share the mapping's code."""
    orders = between(read_orders(), "1997-02-23", "1997-02-23")
    purchases = expected(orders, {})["purchases"]
    for order in orders:
        raw = {name: getattr(order, name) for name in order.__struct_fields__}
        mapped = run(workers["shop"], "map-order", raw).json()
        assert {name: mapped[name] for name in purchases[order.number]} == purchases[order.number]


@pytest.mark.parametrize("wrong", [{"date": "1997-02-30"}, {"number_of_cds": "two"}, {"dollar_value": ""}])
def test_a_record_that_cannot_be_mapped_goes_to_the_trash(
    workers: dict[str, ModuleType], wrong: dict[str, str]
) -> None:
    raw = {"number": 5, "customer_id": "00004", "date": "19970101", "number_of_cds": "2", "dollar_value": "1.00"}
    outcome = run(workers["shop"], "map-order", raw | wrong)
    assert outcome.failed
    assert "Order 5 cannot be read" in outcome.reason


def test_a_locked_contact_is_asked_for_again_and_then_taken(workers: dict[str, ModuleType]) -> None:
    locked = ORDER | {"customer": "C-00100", "order": 100}
    first = run(workers["crm"], "upsert-contact", locked, message_id="m-100")
    assert (first.repeat_after, first.repeat_at_most) == (1, 30)
    assert "423" in first.reason
    assert run(workers["crm"], "upsert-contact", locked, message_id="m-100").ok


@pytest.mark.parametrize(
    ("worker", "action"),
    [
        ("crm", "upsert-contact"),
        ("crm", "record-purchase"),
        ("crm", "note-free-order"),
        ("warehouse", "ship-letter"),
        ("shop", "mark-shipped"),
    ],
)
def test_a_repeated_call_is_no_second_record(workers: dict[str, ModuleType], worker: str, action: str) -> None:
    order = ORDER | {"order": 200}
    first = run(workers[worker], action, order, message_id=f"{action}-1")
    assert first.ok, first.reason
    assert first.body == b"" or first.json() == order
    assert run(workers[worker], action, order, message_id=f"{action}-1").ok
    second = run(workers[worker], action, order, message_id=f"{action}-2")
    assert second.failed
    assert "409" in second.reason


def test_what_the_carrier_would_not_take_goes_to_the_trash_with_its_words(workers: dict[str, ModuleType]) -> None:
    heavy = ORDER | {"order": 300, "cds": 40, "weight_g": 4200}
    outcome = run(workers["warehouse"], "ship-parcel", heavy, message_id="p-1")
    assert outcome.failed
    assert "more parcels" in outcome.reason
    assert run(workers["warehouse"], "ship-parcel", heavy | {"parcels": 2}, message_id="p-1").ok


def test_a_system_that_is_away_is_waited_for(workers: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "http://127.0.0.1:9")
    outcome = run(workers["warehouse"], "count-shipments", {})
    assert outcome.repeat_after == 1
    assert "does not answer" in outcome.reason


def test_a_worker_without_an_address_does_not_start(
    workers: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM_URL")
    with pytest.raises(RuntimeError, match="CRM_URL"):
        run(workers["crm"], "record-purchase", ORDER)
