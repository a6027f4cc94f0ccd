"""The explorer of the wiring: its counts are the wiring's, its repairs are needed, its sentences are true."""

import itertools
import json
from math import comb

import numpy as np
import pytest

from ltcbook import wiring
from ltcbook.widgets import WiringExplorer
from ltcbook.widgets.ncp_wiring import MOTOR_FAN_IN, SIZES, longest_path, on_a_loop

GRID = list(itertools.product((1, 3, 6), (1, 4), (0, 6, 11), (0, 1, 2)))
NAMES = ("sensory_fan_out", "inter_fan_out", "recurrent", "seed")


@pytest.fixture(scope="module")
def explorer():
    return WiringExplorer()


def test_a_frame_is_the_wiring_of_its_controls(explorer, subtests):
    for values in GRID:
        with subtests.test(values=values):
            frame = explorer.compute(**dict(zip(NAMES, values)))
            net = wiring.ncp(
                **SIZES,
                **dict(zip(NAMES[:3], values)),
                motor_fan_in=MOTOR_FAN_IN,
                rng=np.random.default_rng(values[3]),
            )
            signs = np.zeros((20, 20), int)
            for source, target in frame["edges"]:
                signs[abs(target), source] = np.sign(target)
            assert np.array_equal(signs[4:], np.hstack([net.polarity_in, net.polarity]))
            assert frame["counts"]["synapses"] == net.synapses


@pytest.mark.parametrize("values", GRID)
def test_without_its_repairs_a_circuit_has_orphans_and_just_the_planned_synapses(explorer, values):
    frame = explorer.compute(**dict(zip(NAMES, values)))
    counts, orphans = frame["counts"], frame["orphans"]
    planned = np.zeros((20, 20), bool)
    for i, (source, target) in enumerate(frame["edges"]):
        planned[abs(target), source] = i not in frame["repairs"]
    assert (planned[4:12, :4].sum(0) == values[0]).all() and (planned[12:18, 4:12].sum(0) == values[1]).all()
    assert (planned[18:, 12:18].sum(1) == MOTOR_FAN_IN).all()
    assert orphans["inter"] == (~planned[4:12, :4].any(1)).sum()
    assert orphans["command"] == (~planned[12:18, 4:12].any(1)).sum()
    assert orphans["silent"] == (~planned[18:, 12:18].any(0)).sum()
    assert counts["synapses"] == counts["planned"] + counts["repaired"] + counts["distinct"]
    assert ("leave no orphan" in frame["verdict"][0][1]) == (sum(orphans.values()) == 0)


def test_loops_and_longest_paths_are_those_of_networkx(explorer):
    networkx = pytest.importorskip("networkx")
    rng = np.random.default_rng(0)
    for _ in range(60):
        graph = rng.random((5, 5)) < rng.uniform(0.05, 0.5)
        other = networkx.from_numpy_array(graph.T.astype(int), create_using=networkx.DiGraph)
        circles = [c for c in networkx.strongly_connected_components(other) if len(c) > 1]
        assert set(np.flatnonzero(on_a_loop(graph)).tolist()) == set().union(*circles)
        simple = [
            len(path) - 1
            for s in range(5)
            for t in range(5)
            if s != t
            for path in networkx.all_simple_paths(other, s, t)
        ]
        assert longest_path(graph) == max(simple, default=0)


def test_the_answer_and_the_presets_say_the_truth(explorer):
    """Eight to eleven, whatever the dice; nobody missed, and no way but three steps, where the presets say
    so.
    """
    assert explorer.prediction.right == "all"
    for seed in range(200):
        edges = wiring.ncp(
            **SIZES,
            sensory_fan_out=1,
            inter_fan_out=1,
            recurrent=6,
            motor_fan_in=MOTOR_FAN_IN,
            rng=np.random.default_rng(seed),
        ).edges_in()
        drawn = len({target for _, target, _ in edges})
        assert drawn == 8 <= len(edges) <= 11
    frames = {preset["name"]: explorer.compute(**preset["controls"]) for preset in explorer.spec["presets"]}
    assert frames["Four and three"]["counts"]["orphans"] == 0
    assert frames["No recurrence"]["counts"]["longest"] == 3
    assert frames["Twelve draws"]["counts"]["cyclic"] > 0
    orphans = frames["One synapse each"]["orphans"]
    assert orphans["inter"] + orphans["command"] > (SIZES["inter"] + SIZES["command"]) / 2


def test_88_throws_in_100_close_a_loop():
    """Counted exactly: acyclic graphs on six nodes by edges (Robinson), draws with replacement, autapses
    allowed.
    """
    polynomials = [[1]]
    for n in range(1, 7):
        total = [0] * (comb(n, 2) + 1)
        for j in range(1, n + 1):
            for e, a in enumerate(polynomials[n - j]):
                for extra in range(j * (n - j) + 1):
                    if e + extra < len(total):
                        total[e + extra] += (-1) ** (j + 1) * comb(n, j) * a * comb(j * (n - j), extra)
        polynomials.append(total)
    onto = lambda a, e: sum((-1) ** i * comb(e, i) * (e - i) ** a for i in range(e + 1))
    free = (
        sum(
            comb(12, a) * 6 ** (12 - a) * polynomials[6][e] * onto(a, e)
            for a in range(13)
            for e in range(a + 1)
        )
        / 36**12
    )
    assert round(100 * (1 - free)) == 88


def test_the_page_shows_the_frames_of_python(explorer, static_page):
    page, address, complaints = static_page(explorer)
    for values in ((1, 1, 6, 0), (4, 3, 12, 2), (6, 4, 0, 1)):
        page.goto("about:blank")
        page.goto(f"{address}#{'&'.join(f'{n}={v}' for n, v in zip(NAMES, values))}")
        page.wait_for_selector(".ltc-wiring[data-frame]")
        drawn = json.loads(page.get_attribute(".ltc-wiring", "data-frame"))
        frame = explorer.compute(**dict(zip(NAMES, values)))
        assert drawn["edges"] == frame["edges"] and drawn["verdict"] == frame["verdict"]
        circuit = page.locator(".ltc-panel-circuit path.synapse:not([display=none])")
        assert circuit.count() == frame["counts"]["synapses"]
        matrix = page.locator(
            ".ltc-panel-matrix path.plus:not([display=none]), .ltc-panel-matrix "
            "path.minus:not([display=none])"
        )
        assert matrix.count() == frame["counts"]["synapses"]
        names = [f"{source} {abs(target)} {np.sign(target)}" for source, target in frame["edges"]]
        keys = {
            kind: page.eval_on_selector_all(
                f".ltc-panel-circuit {path}", "all => all.map(path => path.dataset.key).sort()"
            )
            for kind, path in (
                ("repairs", ".after path.synapse"),
                ("halos", "path.halo"),
                ("all", "path.synapse"),
            )
        }
        assert keys["repairs"] == keys["halos"] == sorted(names[i] for i in frame["repairs"])
        assert keys["all"] == sorted(names)
        bars = page.eval_on_selector_all(
            ".ltc-panel-bars text.strong", "all => all.map(text => text.textContent)"
        )
        assert sum(int(part) for text in bars for part in text.split(" + ")) == frame["counts"]["synapses"]
        assert sum(int(text.split(" + ")[1]) for text in bars if "+" in text) == frame["counts"]["repaired"]
        assert page.text_content('output[data-name="counts.longest"]') == str(frame["counts"]["longest"])
    assert not complaints and page.locator(".ltc-fallback").count() == 0


def test_before_the_prediction_only_the_planned_synapses_show(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.goto(address)
    page.wait_for_selector(".ltc-wiring[data-frame]")
    counts, circuit = explorer.compute()["counts"], page.locator(".ltc-panel-circuit path.synapse:visible")
    assert (
        circuit.count() == counts["synapses"] - counts["repaired"]
        and page.locator(".ltc-wiring .halo:visible").count() == 0
    )
    assert page.locator(".ltc-panel-bars .strong:visible").count() == 0
    page.get_by_role("button", name="Five to seven").click()
    assert (
        "It is not so." in page.locator(".ltc-reply").text_content() and circuit.count() == counts["synapses"]
    )
    assert page.locator(".ltc-panel-bars .strong:visible").count() == 4
    assert not complaints


@pytest.mark.parametrize("width", [736, 1000])
def test_controls_verdict_and_drawings_fit_one_screen(explorer, static_page, width):
    page, address, _ = static_page(explorer)
    page.set_viewport_size({"width": width + 16, "height": 800})  # the body has margins of 8
    page.goto(f"{address}#seed=0")
    page.wait_for_selector(".ltc-wiring[data-frame]")
    top = page.locator(".ltc-first label").bounding_box()["y"]
    boxes = [one.bounding_box() for one in page.locator(".ltc-panels").first.locator(".ltc-panel").all()]
    assert len(boxes) == 3 and max(box["y"] + box["height"] for box in boxes) - top < 700
