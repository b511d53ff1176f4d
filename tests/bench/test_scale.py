"""The page of scale says what the model says, and the model behaves as what it stands for has to."""

from __future__ import annotations

from functools import partial

import pytest
from msgspec.structs import replace

from bench.cluster import Plan, World, simulate
from bench.machine import Clock, Gate, Servers
from bench.prices import Prices, kept, prices
from bench.scale import PAGE, PICTURE, TABLES, Model, drawn, machine, page
from tests.skipping import strict

WITHIN = 0.15


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(kept())


@pytest.mark.skipif(not strict(), reason="it takes long; with SEGUE_CI=1 the whole page is made anew")
def test_page_and_picture_are_what_the_model_says(model: Model) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"<!-- made: {name} -->" in text for name in TABLES)
    assert text == page(text, model), "run: python -m bench.scale"
    assert PICTURE.read_text(encoding="utf-8") == drawn(model), "run: python -m bench.scale"


def test_tables_alone_are_made_anew_and_each_of_them(model: Model) -> None:
    empty = (
        "before\n<!-- made: checked -->\n<!-- end -->\nbetween\n<!-- made: costs -->\n| wrong |\n<!-- end -->\nafter\n"
    )
    made = page(empty, model)
    assert made.startswith("before\n<!-- made: checked -->\n|  | measured")
    assert "<!-- end -->\nbetween\n<!-- made: costs -->\n|  | instances/s" in made
    assert "wrong" not in made
    assert made.endswith("<!-- end -->\nafter\n")
    assert page(made, model) == made


@pytest.mark.parametrize("shape", ["whole", "apart", "two"])
def test_the_simulation_gives_what_was_measured_on_one_machine(model: Model, shape: str) -> None:
    found = model.ask(machine(model, shape))
    assert found.per_s == pytest.approx(model.measured["engine"][shape]["per_s"], rel=WITHIN)


def test_a_dearer_step_carries_less() -> None:
    cheap = prices(kept())
    dear = replace(cheap, store_change_s=cheap.store_change_s * 4)
    plan = Plan(hosts=10, chunk=16)
    assert simulate(plan, dear).per_s < 0.7 * simulate(plan, cheap).per_s


def test_no_more_comes_out_than_the_processors_allow(model: Model) -> None:
    """Little's law and the law of utilisation, on the costs themselves: nothing is done for nothing."""
    found = model.ask(Plan(hosts=3, chunk=4, forget=False))
    priced: Prices = model.prices
    least = priced.http_s + priced.actions * priced.call_s + (priced.actions + 1) * priced.change_s
    assert found.per_s * least <= 9
    assert found.per_s * (priced.actions + 1) * priced.store_change_s <= 16
    assert all(part <= 1.1 for part in found.busy.values())
    assert found.per_s * found.p50_ms / 1000 == pytest.approx(9 * 128, rel=0.2)


def test_the_younger_stands_by_and_takes_part_when_the_older_is_not_enough_and_both_go_on() -> None:
    cheap = prices(kept())
    plan = Plan(processes=3, api_of=3, per_s=150, wanted=600)
    shares = list[tuple[float, float]]()
    for factor in (1, 20):
        world = World(plan, replace(cheap, call_s=cheap.call_s * factor))
        assert world.run().per_s == pytest.approx(150, rel=0.2)
        _, older, younger = (process.loop.spent / world.clock.now for process in world.processes)
        shares.append((older, younger))
    assert shares[0][1] < 0.2 * shares[0][0]
    assert all(share > 0.2 for share in shares[1]), "where both are wanted, the older is not left out"


def test_so_many_servers_work_at_once() -> None:
    clock = Clock()
    servers, done = Servers(clock, 2), list[tuple[int, float]]()
    for n in range(3):
        servers.do(1.0, partial(lambda n: done.append((n, clock.now)), n))
    for _ in range(3):
        clock.step()
    assert done == [(0, 1.0), (1, 1.0), (2, 2.0)]


def test_who_wants_a_lock_alone_waits_for_those_inside_and_holds_up_those_behind() -> None:
    gate, seen = Gate(), list[str]()
    gate.enter(partial(seen.append, "shared"))
    gate.enter(partial(seen.append, "alone"), alone=True)
    gate.enter(partial(seen.append, "behind"))
    assert seen == ["shared"]
    gate.leave()
    assert seen == ["shared", "alone"]
    gate.leave()
    assert seen == ["shared", "alone", "behind"]
