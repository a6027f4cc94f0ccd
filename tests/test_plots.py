"""Pictures and drawings of wirings: valid, named, theme-following, and telling the truth about the wiring."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from ltcbook import plots, pruning, wiring
from ltcbook.plots import network
from ltcbook.plots.picture import NAMES

ALT = 'A rising line with labels & "quotes", <angles> and an apostrophe\'s mark'
SVG = "{http://www.w3.org/2000/svg}"


def drawing(values=(0.00123, 0.00456), label="weight 0.12345"):
    fig, ax = plots.figure(3, 2)
    for colour in (
        plots.BLUE,
        plots.VERMILLION,
        plots.GREEN,
        plots.ORANGE,
        plots.SKY,
        plots.PURPLE,
        plots.GREY,
        plots.INK,
    ):
        ax.plot(values, [0, 1], color=colour, marker="o", label=colour)
    ax.fill_between(values, 0, 1, color="black", alpha=0.1)
    ax.set_xlabel(label)
    ax.set_yticks([0.0015, 0.5])
    ax.legend()
    return fig


@pytest.fixture(scope="module")
def svg():
    return plots.picture(drawing(), alt=ALT).svg()


def test_a_picture_needs_words_for_those_who_cannot_see_it():
    fig, _ = plots.figure()
    with pytest.raises(TypeError, match="alt"):
        plots.picture(fig)
    for alt in ("", "   ", "plot", "a small plot", None, 3):
        with pytest.raises(ValueError, match="alt is .*say in a sentence"):
            plots.picture(fig, alt=alt)


def test_svg_is_valid_xml_and_carries_its_name(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag == SVG + "svg" and root.get("role") == "img" and root.get("aria-label") == ALT
    assert root.get("class") == "ltc-figure" and len(root.get("viewBox").split()) == 4
    assert (
        "<script" not in svg
        and "<style" not in svg
        and "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", svg)
    )


def test_ids_are_unique_on_a_page_of_pictures_and_every_reference_finds_its_own(svg):
    other = plots.picture(drawing((1, 2)), alt="Another line that rises from one to two").svg()
    seen = set()
    for text in (svg, other):
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert ids and len(ids) == len(set(ids)) and not seen & set(ids)
        assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)) and {
            a or b for a, b in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)
        } <= set(ids)
        seen |= set(ids)


def test_no_ink_is_black_and_the_ground_is_transparent(svg):
    # black text and lines would vanish on a dark page; a white ground would glare there
    assert not re.search(r"#000\b|#000000|#010101|\bblack\b|rgb\(0", svg, flags=re.I)
    assert "currentColor" in svg and "fill:currentColor" in svg
    assert not re.search(r"fill: ?#fff|fill: ?white", svg, flags=re.I)


def test_palette_colours_are_variables_that_a_dark_page_may_set(svg):
    for name, colour in NAMES.items():
        assert f"var(--ltc-{name}, {colour})" in svg
        assert not re.search(
            f"(?<!, ){colour}", re.sub(r"<text.*?</text>", "", svg, flags=re.S), flags=re.I
        ), f"{name} is fixed"


def test_text_stays_text_with_all_its_digits(svg):
    texts = ["".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter(SVG + "text")]
    assert "weight 0.12345" in texts and "0.0015" in texts


def test_coordinates_are_short(svg):
    tags = "".join(re.findall(r"<[^>]+>", svg))
    assert not re.search(r"\d\.\d{3}", tags.replace("0.12345", ""))


def test_the_same_figure_gives_the_same_bytes():
    assert plots.picture(drawing(), alt=ALT).svg() == plots.picture(drawing(), alt=ALT).svg()


def test_png_decodes_on_white_for_print():
    bundle = plots.picture(drawing(), alt=ALT)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"} and bundle["text/plain"] == ALT
    with Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) as image:
        assert image.size == (480, 320)  # 3 x 2 inches at 160 dots
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels[0, 0] == 255).all() and pixels.std() > 10  # white at the corner, and something drawn


def row(columns=2, **options):
    fig, axes = plots.figure(6, 2.5, ncols=columns, **options)
    for ax in axes:
        ax.plot([0, 1], [0, 3])
    axes[0].set_ylabel("loss")
    return fig


def test_panels_of_one_row_also_stand_one_below_the_other_for_a_phone():
    fig = row(sharey=True)
    state = lambda: (*fig.get_size_inches(), *((ax.get_ylabel(), ax.get_subplotspec()) for ax in fig.axes))
    before = state()
    page = plots.picture(fig, alt="Left: a line. Right: the same")._repr_mimebundle_()["text/html"]
    desk, phone = (ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, flags=re.S))
    assert (desk.get("class"), phone.get("class")) == ("ltc-figure ltc-desk", "ltc-figure ltc-phone")
    assert (desk.get("viewBox"), phone.get("viewBox")) == ("0 0 432 180", "0 0 302.4 360")
    assert (desk.get("aria-label"), phone.get("aria-label")) == (
        "Left: a line. Right: the same",
        "Above: a line. Below: the same",
    )
    words = [["".join(node.itertext()).strip() for node in svg.iter(SVG + "text")] for svg in (desk, phone)]
    # below each other, each needs its own numbers
    assert (words[0].count("loss"), words[1].count("loss")) == (1, 2)
    assert (words[0].count("3.0"), words[1].count("3.0")) == (1, 2)
    assert not {e.get("id") for e in desk.iter() if e.get("id")} & {e.get("id") for e in phone.iter()}
    assert state() == before, "the figure was changed"


def test_only_the_names_of_panels_turn_with_them():
    page = plots.picture(row(), alt="Right answers. Left, at first: few. Right: more").pages()
    assert 'aria-label="Right answers. Above, at first: few. Below: more"' in page


@pytest.mark.parametrize(
    "other",
    [
        lambda: drawing(),
        lambda: plots.figure(6, 4, nrows=2)[0],
        lambda: plots.figure(6, 4, nrows=2, ncols=2)[0],
    ],
)
def test_other_figures_are_drawn_once(other):
    page = plots.picture(other(), alt="Some panels with axes")._repr_mimebundle_()["text/html"]
    assert page.count("<svg") == 1 and 'class="ltc-figure"' in page


def test_a_figure_with_a_colour_bar_is_drawn_once():
    fig = row()
    image = fig.axes[1].imshow([[0, 1]])
    fig.colorbar(image, ax=fig.axes[1])
    assert plots.picture(fig, alt="Two panels and a bar").pages().count("<svg") == 1


# --------------------------------------------------------------------------------------------------------------
# wirings


def event():
    rng = np.random.default_rng(0)
    before = wiring.ncp(
        sensory=3,
        inter=5,
        command=4,
        motor=2,
        sensory_fan_out=2,
        inter_fan_out=2,
        recurrent=4,
        motor_fan_in=2,
        rng=rng,
    )
    weights, weights_in = (rng.uniform(size=a.shape) * a for a in (before.adjacency, before.adjacency_in))
    return before, pruning.prune_and_rewire(before, weights, 0.4, rng=rng, weights_in=weights_in)


def test_layers_stand_side_by_side_from_sensory_to_motor():
    before, _ = event()
    at = network.positions(before)
    assert len(at) == before.n + before.m
    nodes = {role: before.members(role).tolist() for role in ("inter", "command", "motor")}
    nodes["sensory"] = [("sensory", k) for k in range(3)]
    column = {name: {at[node][0] for node in members} for name, members in nodes.items()}
    assert [column[name] for name in ("sensory", "inter", "command", "motor")] == [{0.0}, {1.0}, {2.0}, {3.0}]
    assert len(set(at.values())) == len(at) and all(0 < y < 1 for _, y in at.values())


def test_a_drawn_network_shows_every_synapse_once_with_colour_dash_and_width_by_its_kind():
    _, result = event()
    after = result.wiring
    fig, ax = plots.figure()
    drawn = plots.draw_network(
        after, ax, cut=result.cut, grown=result.grown, cut_in=result.cut_in, grown_in=result.grown_in
    )
    assert drawn is ax
    looks = [
        (to_hex(line.get_color()).upper(), line.is_dashed(), line.get_linewidth() > 2) for line in ax.lines
    ]
    signs = [s for *_, s in after.edges() + after.edges_in()]
    cut, grown = len(result.cut + result.cut_in), len(result.grown + result.grown_in)
    assert cut and grown and len(looks) == after.synapses + cut
    assert sum(colour == plots.BLUE and not dashed for colour, dashed, _ in looks) == signs.count(1)
    assert sum(colour == plots.VERMILLION and dashed for colour, dashed, _ in looks) == signs.count(-1)
    assert sum(colour == plots.GREY.upper() for colour, _, _ in looks) == cut
    assert sum(thick for *_, thick in looks) == grown
    assert sum(len(c.get_offsets()) for c in ax.collections) == after.n + after.m
    assert {t.get_text() for t in ax.texts} == {"sensory", "inter", "command", "motor"}


def test_a_drawn_synapse_runs_from_its_source_to_its_target():
    one = wiring.Wiring([[0, 0], [1, 0]], np.zeros((2, 0)), ("inter", "motor"))
    _, ax = plots.figure()
    plots.draw_network(one, ax)
    assert ax.lines[0].get_xydata().tolist() == [
        list(network.positions(one)[0]),
        list(network.positions(one)[1]),
    ]
    # an autapse and a synapse within a layer
    loop = wiring.Wiring([[1, 1], [0, 0]], np.zeros((2, 0)), ("hidden",) * 2)
    _, ax = plots.figure()
    plots.draw_network(loop, ax)
    assert len(ax.lines) == 2 and all(len(line.get_xdata()) > 2 for line in ax.lines)


def test_the_adjacency_matrix_has_a_sign_for_every_synapse_at_row_target_column_source():
    before, _ = event()
    _, ax = plots.figure()
    assert plots.draw_adjacency(before, ax) is ax
    signs = {(round(t.get_position()[0]), round(t.get_position()[1])): t.get_text() for t in ax.texts}
    expected = {(s, t): sign for s, t, sign in before.edges_in()} | {
        (before.m + s, t): sign for s, t, sign in before.edges()
    }
    assert signs == {place: "+" if sign > 0 else "\N{MINUS SIGN}" for place, sign in expected.items()}
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "row 0 must be on top, as in a matrix"


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: wiring.fully_connected(3, sensory=0, rng=rng),
        lambda rng: wiring.random_sparse(4, sensory=2, sparsity=1.0, rng=rng),
    ],
)
def test_networks_without_layers_inputs_or_synapses_can_be_drawn_too(make):
    w = make(np.random.default_rng(0))
    fig, axes = plots.figure(ncols=2)
    plots.draw_network(w, axes[0])
    plots.draw_adjacency(w, axes[1])
    ElementTree.fromstring(plots.picture(fig, alt="A network without layers, and its matrix").svg())


def test_a_dark_notebook_gets_the_palette_of_the_books_dark_pages(root):
    from ltcbook.plots.picture import DARK, NAMES, NOTEBOOK

    sheet = (root / "ltcbook" / "site" / "static" / "book.css").read_text("utf8")
    assert set(DARK) == set(NAMES)
    for name, colour in DARK.items():
        assert f"--ltc-{name}: {colour};" in sheet and f"--ltc-{name}:{colour}" in NOTEBOOK
