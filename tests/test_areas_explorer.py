"""The explorer of the areas: its masks are the package's, its eigenvalues those of the areas where no loop
joins them.
"""

import itertools
import json

import numpy as np
import pytest

from ltcbook import wiring
from ltcbook.widgets import AreasExplorer
from ltcbook.widgets.areas import DICE, NEURONS, SEED, SHARES, SIZES, STRONGER, spectrum

GRID = list(itertools.product((0.0, 0.4, 1.0), (0.0, 0.1, 0.7), (2, 3, 4), (0.5, 1.0), ("plus", "dale")))
NAMES = ("forward", "backward", "areas", "within", "signs")


@pytest.fixture(scope="module")
def explorer():
    return AreasExplorer()


def full(values):
    """Pairs [Re, Im] as sorted complex numbers."""
    return np.sort_complex(np.array([complex(*value) for value in values]))


def test_a_frame_counts_the_synapses_of_the_package(explorer, subtests):
    for values in GRID[::3]:
        with subtests.test(values=values):
            forward, backward, areas, within, _ = values
            frame = explorer.compute(**dict(zip(NAMES, values, strict=True)))
            masks = wiring.multi_area(
                (1, NEURONS, 1), areas, (forward, backward, within), rng=np.random.default_rng(SEED)
            )
            blocks = masks.density() * (NEURONS / areas) ** 2
            counts = frame["counts"]
            assert counts["forward"] == round(np.tril(blocks, -1).sum()) and counts["backward"] == round(
                np.triu(blocks, 1).sum()
            )
            assert (
                counts["total"]
                == masks.hidden_mask.sum()
                == counts["within"] + counts["forward"] + counts["backward"]
            )
            size = NEURONS / areas
            assert frame["expected"] == pytest.approx(
                size**2 * areas * (within + (areas - 1) / 2 * (forward + backward))
            )


def test_the_eigenvalues_are_those_of_weights_inside_the_mask_of_the_package(explorer, subtests):
    for values in GRID[::3]:
        with subtests.test(values=values):
            forward, backward, areas, within, signs = values
            frame = explorer.compute(**dict(zip(NAMES, values, strict=True)))
            mask = AreasExplorer.masks(areas, forward, backward, within, signs).hidden_mask
            J = SIZES * np.where(mask < 0, STRONGER * mask, mask) - np.eye(NEURONS)
            found = full(frame["eigen"])
            assert len(found) == NEURONS and (0.0375 <= SIZES).all() and (SIZES <= 0.1125).all()
            # each one is an eigenvalue
            assert max(np.linalg.svd(J - value * np.eye(NEURONS))[1][-1] for value in found) < 1e-9
            assert np.isclose(found.sum(), np.trace(J)) and frame["abscissa"] == round(found.real.max(), 3)


def test_without_a_loop_the_eigenvalues_are_those_of_the_areas_and_else_not(explorer, subtests):
    for values in GRID:
        with subtests.test(values=values):
            frame = explorer.compute(**dict(zip(NAMES, values, strict=True)))
            alone = full(explorer.spec["alone"][f"{values[2]}-{values[3]:g}-{values[4]}"])
            found = full(frame["eigen"])
            assert len(found) == len(alone) == NEURONS
            free = values[0] == 0 or values[1] == 0
            far = max(np.abs(found - value).min() for value in alone)
            assert (far < 2e-3) == free
            assert ("without loops" in frame["verdict"][0][1]) == free
            assert (
                (frame["verdict"][0][0] == "good")
                == ("die out" in frame["verdict"][0][1])
                == (found.real.max() < 0)
            )


def test_areas_alone_are_stable_so_that_without_loops_errors_die_out(explorer):
    assert (
        len(explorer.spec["alone"]) == 12
        and max(values[0][0] for values in explorer.spec["alone"].values()) < 0
    )


@pytest.mark.parametrize(
    ("areas", "within", "signs"), [(2, 0.5, "plus"), (3, 1.0, "plus"), (4, 1.0, "dale"), (4, 0.5, "plus")]
)
def test_the_border_in_the_plane_is_where_frames_change_sign(explorer, areas, within, signs):
    rows = explorer.spec["border"][f"{areas}-{within:g}-{signs}"]
    assert len(rows) == len(SHARES) and {len(row) for row in rows} == {len(SHARES)}
    for f, b in itertools.product(range(0, len(SHARES), 4), repeat=2):
        frame = explorer.compute(
            forward=float(SHARES[f]), backward=float(SHARES[b]), areas=areas, within=within, signs=signs
        )
        assert rows[f][b] == "01"[frame["grows"]]


def test_more_excitation_never_makes_it_more_stable(explorer):
    """Perron and Frobenius: with weights >= 0 the rightmost eigenvalue grows with every synapse."""
    for areas, within in itertools.product((2, 3, 4), (0.5, 1.0)):
        for forward in (0.2, 1.0):
            at = [spectrum(areas, forward, b, within, "plus").real.max() for b in np.linspace(0, 1, 6)]
            assert (np.diff(at) >= -1e-12).all()


def test_the_question_the_answer_and_the_presets_say_true_numbers(explorer):
    frames = {preset["name"]: explorer.compute(**preset["controls"]) for preset in explorer.spec["presets"]}
    one, few, other, half, dale = frames.values()
    assert one == explorer.compute() and one["abscissa"] == -0.378 == other["abscissa"]
    between = [(frame["counts"]["forward"], frame["counts"]["backward"]) for frame in (one, few, half, dale)]
    assert between == [(192, 0), (192, 20), (82, 88), (192, 192)] and other["counts"]["backward"] == 192
    assert few["abscissa"] == 0.043 and half["abscissa"] == 0.144 and dale["abscissa"] < 0
    for number in ("192", "20 ", "+0.043", "82", "88", "170", "212"):
        assert number in explorer.question
    signs = np.array(explorer.spec["excitatory"]["3"])
    assert (1 - signs).mean() == 0.25


def test_the_right_answer_is_right_and_the_loops_are_counted(explorer):
    few, half = explorer.compute(backward=0.1), explorer.compute(forward=0.5, backward=0.5)
    assert explorer.prediction.right == "right" and half["abscissa"] > few["abscissa"] + 0.05
    assert half["counts"]["total"] < few["counts"]["total"]
    loops = []
    for forward, backward in ((1, 0.1), (0.5, 0.5)):
        mask = AreasExplorer.masks(3, forward, backward, 1, "plus").hidden_mask
        area = np.arange(NEURONS) // 8
        loops.append(int((mask * mask.T)[area[:, None] > area].sum()))
    assert loops == [20, 44]
    assert (
        "44 pairs" in explorer.prediction.guesses[1].reply
        and "instead of 20" in explorer.prediction.guesses[1].reply
    )


def test_the_dice_of_the_drawing_are_those_of_the_package_at_every_step_of_the_controls(explorer):
    """The drawing has them rounded: none may lie so close to a share that rounding would change a synapse."""
    assert np.array_equal(explorer.spec["dice"], DICE.tolist())
    exact = np.random.default_rng(SEED).random((NEURONS, NEURONS))
    shares = np.linspace(0, 1, 101).round(10)
    assert np.array_equal(exact[..., None] < shares, DICE[..., None] < shares)


FRAMES = """async all => {
    const found = [];
    for (const hash of all) {
        const there = new Promise(done => addEventListener("hashchange", done, { once: true }));
        location.hash = hash;
        await there;
        found.push(JSON.parse(document.querySelector(".ltc-areas").dataset.frame));
    }
    return found;
}"""


CELLS = """all => {
    const panel = document.querySelector(".ltc-panel-plane");
    const box = panel.querySelector("rect.edge").getBBox();
    const inside = (name, at) => panel.querySelector(`path.${name}`).isPointInFill(at);
    return all.map(([f, b]) => {
        const [x, y] = [Math.min(Math.max(f, 0.001), 0.999), Math.min(Math.max(b, 0.001), 0.999)];
        const at = new DOMPoint(box.x + x * box.width, box.y + (1 - y) * box.height);
        return [inside("fails", at), !inside("holds", at)];
    });
}"""


def test_the_page_computes_the_frames_of_python_and_draws_their_masks(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.goto(address)
    page.wait_for_selector(".ltc-areas[data-frame]")
    rng = np.random.default_rng(5)
    settings = [
        *GRID[::5],
        *[(rng.integers(101) / 100, rng.integers(101) / 100, *value[2:]) for value in GRID[::7]],
        (0.4, 0.7, 4, 0.5, "dale"),
    ]
    hashes = [
        "&".join(f"{name}={value}" for name, value in zip(NAMES, values, strict=True)) for values in settings
    ]
    hashes = [words.replace("within=1.0", "within=1") for words in hashes]
    for values, drawn in zip(settings, page.evaluate(FRAMES, hashes), strict=True):
        frame = explorer.compute(**dict(zip(NAMES, values, strict=True)))
        ours, theirs = full(frame.pop("eigen")), full(drawn.pop("eigen"))
        assert len(theirs) == NEURONS and max(np.abs(ours - value).min() for value in theirs) < 1e-6
        assert max(np.abs(theirs - value).min() for value in ours) < 1e-6
        assert drawn.pop("expected") == pytest.approx(frame.pop("expected"))
        frame.pop("controls")
        assert drawn == frame
    boxes = page.eval_on_selector_all(".ltc-panel-mask path", "paths => paths.map(p => p.getAttribute('d'))")
    masks = AreasExplorer.masks(4, 0.4, 0.7, 0.5, "dale").hidden_mask
    step = np.sign(np.subtract.outer(*[np.arange(NEURONS) * 4 // NEURONS] * 2))
    wanted = [int(((step == way) & (masks == sign)).sum()) for way in (0, 1, -1) for sign in (1, -1)]
    assert [d.count("Z") for d in boxes] == wanted
    assert page.locator(".ltc-panel-eigenvalues .eigen.own:not([display=none])").count() == NEURONS
    page.evaluate(FRAMES, ["forward=0.5&backward=0.5"])
    asked = [
        (20, 0),
        (20, 2),
        (2, 20),
        (0, 20),
        (10, 10),
        (3, 18),
        (18, 3),
        (12, 5),
        (5, 12),
        (19, 1),
        (1, 19),
    ]
    rows = explorer.spec["border"]["3-1-plus"]
    assert page.evaluate(CELLS, [[f / 20, b / 20] for f, b in asked]) == [
        ["01".index(rows[f][b]) == 1] * 2 for f, b in asked
    ]
    page.locator(".ltc-handle").focus()
    before = json.loads(page.get_attribute(".ltc-areas", "data-frame"))
    page.keyboard.press("ArrowRight")
    after = json.loads(page.get_attribute(".ltc-areas", "data-frame"))
    assert after["counts"]["forward"] > before["counts"]["forward"]
    assert not complaints and page.locator(".ltc-fallback").count() == 0


def test_before_the_prediction_neither_the_dots_nor_the_border_tell(explorer, static_page):
    page, address, complaints = static_page(explorer)
    page.goto(address)
    page.wait_for_selector(".ltc-areas[data-frame]")
    secret = page.locator(
        ".ltc-panel-plane .fails, .ltc-panel-plane .boundary, .ltc-panel-eigenvalues .eigen.own"
    )
    assert (
        secret.count() == 2 + NEURONS
        and page.locator(".ltc-areas .fails:visible, .ltc-areas .eigen.own:visible").count() == 0
    )
    assert page.locator(".ltc-panel-eigenvalues .ghost").first.is_visible()
    page.get_by_role("button", name="To the left").click()
    assert "It is not so." in page.locator(".ltc-reply").text_content()
    assert page.locator(".ltc-areas .eigen.own").first.is_visible()
    assert not complaints


@pytest.mark.parametrize("width", [736, 1000])
def test_controls_verdict_and_drawings_fit_one_screen(explorer, static_page, width):
    page, address, _ = static_page(explorer)
    page.set_viewport_size({"width": width + 16, "height": 800})  # the body has margins of 8
    page.goto(f"{address}#backward=0.1")
    page.wait_for_selector(".ltc-areas[data-frame]")
    top = page.locator(".ltc-first label").bounding_box()["y"]
    boxes = [one.bounding_box() for one in page.locator(".ltc-panels").first.locator(".ltc-panel").all()]
    assert len(boxes) == 4 and max(box["y"] + box["height"] for box in boxes) - top < 700
