"""What `draw` can be asked for: names, styles, parts, colours, marks, and arrays."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd import (
    Node,
    Tensor,
    Value,
    log,
    relu,
    topological_order,
)
from micrograd.errors import ArgumentError, OperandError
from tests.drawn import own_svg, read_dot, read_dot_svg, read_own_svg, texts_of, with_class
from tests.golden import (
    FIGURES,
    FOLDER,
    affine,
    apple,
    apples_and_oranges,
    files,
    softmax_with_loss,
)
from tests.pictures_page import DOCS, PICTURES, picture
from viz import draw
from viz.graph.snapshot import take_snapshot
from viz.picture.colours import BLUES, ORANGES, appearance_for
from viz.picture.layout import lay_out
from viz.picture.picture import picture_of
from viz.picture.sizes import Box

HAS_DOT = shutil.which("dot") is not None
RANKDIRS = ("LR", "TB")
STYLES = ("book", "micrograd", "shapes")
NASTY = '<script>alert(1)</script>"];'


def nodes_of(root: Node) -> dict[str, Any]:
    """Return the nodes of a graph by what the diagram calls them."""
    return {str(i): node for i, node in enumerate(topological_order(root))}


# -- the book's figures


@pytest.mark.parametrize("name", FIGURES)
def test_the_book_s_figures_are_drawn_byte_for_byte_as_before(name: str) -> None:
    for path, text in files():
        if path.stem == name:
            message = f"{path.name} changed; see it, then run python -m tests.golden --write"
            assert path.read_bytes() == text.encode(), message


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_documentation_are_those_that_would_be_drawn(name: str) -> None:
    path = DOCS / name
    message = f"{name} changed; see it after running python -m tests.pictures_page"
    assert path.read_text(encoding="utf-8") == picture(name), message


def test_each_golden_file_belongs_to_a_figure() -> None:
    assert sorted(FOLDER.iterdir()) == sorted(path for path, _ in files())


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("apple", {"apple": "2.2", "count": "110", "tax": "200"}),
        ("apples_and_oranges", {"apple": "2.2", "orange count": "165", "tax": "650"}),
        ("square_of_a_sum", {"x": "6", "y": "6"}),  # ∂z/∂x = 2t = 2 (x + y)
        ("sigmoid", {"x": "0.1966"}),  # y (1 − y)
        ("softmax_with_loss", {"a": "[0.3 -0.8 0.5]"}),  # y − t
        ("affine", {"B": "[5 7 9]"}),  # the sum over the batch
    ],
)
def test_the_figures_show_the_book_s_gradients(name: str, numbers: dict[str, str]) -> None:
    for read, suffix in ((read_dot, "dot"), (read_own_svg, "svg")):
        texts, _ = read((FOLDER / f"{name}.{suffix}").read_text(encoding="utf-8"))
        found = {lines[0]: lines[-1] for lines in texts.values()}
        assert {what: found[what] for what in numbers} == numbers


# -- names


def test_keywords_and_the_caller_s_variables_name_nodes() -> None:
    apple, tax = Value(100.0), Value(1.1)
    price = apple * tax
    by_keyword = draw(price, apple=apple, tax=tax, price=price)
    assert {"apple", "tax", "price"} <= set(texts_of(by_keyword.source))
    assert draw(price, names="caller").source == by_keyword.source
    assert draw(price, names={"apple": apple, "tax": tax, "price": price}).source == (
        by_keyword.source
    )


outer = Value(7.0)
hidden = Value(8.0)


def test_local_variables_come_before_global_ones_and_before_labels() -> None:
    hidden = Value(2.0, label="label")
    _private = Value(3.0, label="kept")
    y = outer * hidden * _private
    texts = texts_of(draw(y, names="caller").source)
    assert {"outer", "hidden", "kept", "y"} <= set(texts)
    assert "label" not in texts
    assert "_private" not in texts


def test_the_first_variable_of_a_node_counts() -> None:
    first = Value(2.0)
    second = first
    texts = texts_of(draw(second * 3, names="caller").source)
    assert "first" in texts
    assert "second" not in texts


def test_a_global_variable_that_is_hidden_names_nothing() -> None:
    y = hidden_global() * 3
    hidden = Value(1.0)
    texts = texts_of(draw(y, hidden * 1, names="caller").source)
    assert texts.count("hidden") == 1


def hidden_global() -> Value:
    """Return the node that the global variable holds."""
    return hidden


def test_a_keyword_that_is_neither_option_nor_node_is_refused() -> None:
    with pytest.raises(OperandError, match=r"rankdr: came as a str.*no option"):
        draw(Value(1.0), rankdr="TB")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match=r"names: came as 'me'.*'caller'"):
        draw(Value(1.0), names="me")
    with pytest.raises(OperandError, match=r"names\['x'\]: came as a float"):
        draw(Value(1.0), names={"x": 1.0})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("option", "words"), [("style", "'book'"), ("color", "'gradient'")])
def test_words_that_are_not_known_are_refused(option: str, words: str) -> None:
    arguments: dict[str, Any] = {option: "grey"}
    with pytest.raises(ArgumentError, match=f"{option}: came as 'grey', expected one of.*{words}"):
        draw(Value(1.0), **arguments)
    with pytest.raises(ArgumentError, match=r"tensors: came as 'art'.*'heat'"):
        draw(Value(1.0), tensors="art")


def test_a_long_name_loses_its_middle() -> None:
    label = "begin" + "x" * 100 + "end"
    texts = texts_of(draw(Value(1.0, label=label)).source)
    (shown,) = [text for text in texts if text.startswith("begin")]
    assert len(shown) == 40
    assert "…" in shown
    assert shown.endswith("end")
    assert "y" * 40 in texts_of(draw(Value(1.0, label="y" * 40)).source)


# -- parts of a graph


def strokes(svg: str) -> dict[str, tuple[str, str]]:
    """Return the colour and width of the arrows from each node."""
    found: dict[str, tuple[str, str]] = {}
    for group in ET.fromstring(svg).findall(".//{*}g[@class='edge']"):
        path = group.findall("{*}path")[0]
        found[str(group.get("data-tail"))] = (
            str(path.get("stroke")),
            path.get("stroke-width") or "1",
        )
    return found


def test_highlight_draws_the_paths_to_the_roots_strong_and_the_rest_pale(no_dot: None) -> None:
    total = apples_and_oranges()
    nodes = nodes_of(total)
    apple = next(node for node in nodes.values() if node.label == "apple")
    strong = {key for key, (colour, width) in strokes(draw(total, highlight=apple).svg).items()
              if (colour, width) == ("black", "2")}  # fmt: skip
    below = {apple}
    for node in nodes.values():
        if not below.isdisjoint(node.parents):
            below.add(node)
    assert strong == {key for key, node in nodes.items() if node in below}
    pale = {stroke for stroke in strokes(draw(total, highlight=apple).svg).values()}
    assert len(pale) == 2
    both = draw(total, highlight=[apple, nodes["3"]]).svg
    assert strokes(both)["3"] == ("black", "2")


@pytest.mark.parametrize("option", ["highlight", "around"])
def test_a_node_outside_the_graph_is_refused(option: str) -> None:
    strange: dict[str, Any] = {option: Value(3.0, label="strange")}
    with pytest.raises(ArgumentError, match=f"{option}: Value 'strange' is not in the graph"):
        draw(apple(), **strange)
    with pytest.raises(OperandError, match=f"{option}: came as a str"):
        draw(apple(), **{option: "apple"})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("depth", [-1, 1.5])
def test_a_depth_that_is_no_count_is_refused(depth: Any) -> None:
    y = Value(1.0) * 2
    with pytest.raises(ArgumentError, match=f"depth: came as {depth}"):
        draw(y, around=y, depth=depth)


@st.composite
def programs(draw_from: st.DrawFn) -> list[Value]:
    """Return the nodes of a random program, the last of which depends on them all or some."""
    nodes = [Value(float(i), label=f"x{i}") for i in range(draw_from(st.integers(1, 3)))]
    for _ in range(draw_from(st.integers(0, 14))):
        a, b = (nodes[draw_from(st.integers(0, len(nodes) - 1))] for _ in "ab")
        kind = draw_from(st.sampled_from("+*-r2"))
        results = {"+": a + b, "*": a * b, "-": a - b, "r": relu(a), "2": a * 2.0}
        nodes.append(results[kind])
    return nodes


def within(starts: set[Any], depth: int, edges: list[tuple[Any, Any]]) -> set[Any]:
    """Return what can be reached along edges in so many steps."""
    found = set(starts)
    for _ in range(depth):
        found |= {head for tail, head in edges if tail in found}
    return found


@given(programs(), st.integers(0, 3), st.data())
def test_around_shows_the_neighbourhood_and_every_edge_that_it_cuts(
    nodes: list[Value], depth: int, data: st.DataObject
) -> None:
    root = nodes[-1]
    names = nodes_of(root)
    keys = {node: key for key, node in names.items()}
    centre = names[data.draw(st.sampled_from(sorted(names)))]
    edges = [(parent, node) for node in names.values() for parent in node.parents]
    shown = within({centre}, depth, edges) | within({centre}, depth, [(b, a) for a, b in edges])
    texts, arrows = read_dot(draw(root, around=centre, depth=depth).source)
    assert {key for key in texts if key.isdecimal()} == {keys[node] for node in shown}
    inner = Counter((keys[a], keys[b]) for a, b in edges if a in shown and b in shown)
    assert Counter({e: n for e, n in arrows.items() if "_" not in e[0] + e[1]}) == inner
    for side, suffix in ((1, "before"), (0, "after")):
        cut = Counter(keys[edge[side]] for edge in edges
                      if edge[side] in shown and edge[1 - side] not in shown)  # fmt: skip
        marks = {
            key.removesuffix(f"_{suffix}"): found for key, found in texts.items() if suffix in key
        }
        assert marks == {key: ["…" if count == 1 else f"… × {count}"] for key, count in cut.items()}


def test_around_looks_into_a_graph_that_is_too_large_to_draw() -> None:
    x = Value(1.0, label="x")
    middle = y = x * 1.5
    for _ in range(2_000):
        y = relu(y)
    assert len(draw(y, around=middle, depth=1, limit=10).source) < 3_000


# -- styles


@settings(deadline=None)
@given(programs(), st.booleans(), st.sampled_from(STYLES))
def test_every_style_has_exactly_the_nodes_edges_and_numbers_of_the_graph(
    nodes: list[Value], backwards: bool, style: str
) -> None:
    root = nodes[-1]
    if backwards:
        root.backward()
    names = nodes_of(root)
    keys = {node: key for key, node in names.items()}
    edges = Counter((keys[p], key) for key, node in names.items() for p in node.parents)
    if root.parents and style != "micrograd":
        edges[keys[root], f"{keys[root]}_end"] = 1
    source = draw(root, style=style).source
    for texts, arrows in (read_dot(source), read_own_svg(own_svg(root, style=style))):
        assert arrows == edges
        assert {key for key in texts if key.isdecimal()} == set(names)
        for key, node in names.items():
            gradient = f"{node.grad + 0.0:.4g}" if node.has_grad else "–"
            data = f"{node.data + 0.0:.4g}"
            due = [gradient] if node.requires_grad else []
            expected = {
                "book": [data, *due],
                "micrograd": [f"data {data}", f"grad {gradient}"],
                "shapes": [data],
            }[style]
            shown = texts[key][1 if node.op or (style == "micrograd" and node.label) else 0 :]
            name_or_number = shown[0] not in expected or len(shown) > len(expected)
            assert shown[1 if name_or_number else 0 :] == expected


def boxes_in(style: str, root: Node, rankdir: str) -> tuple[list[Box], tuple[float, float]]:
    """Return the boxes of all shapes that have a size, and the size of the picture."""
    snapshot = take_snapshot((root,), shapes_only=style == "shapes")
    layout = lay_out(picture_of(snapshot, style), rankdir)
    found = [box for s in layout.strands for box in (s.head, *(s.boxes or (s.label,)))]
    return [b for b in found if b.width > 0 and b.height > 0], (layout.width, layout.height)


@pytest.mark.parametrize("rankdir", RANKDIRS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("build", [apples_and_oranges, affine])
def test_in_no_style_anything_overlaps_or_is_clipped(build: Any, style: str, rankdir: str) -> None:
    boxes, (width, height) = boxes_in(style, build(), rankdir)
    for a, b in combinations(boxes, 2):
        wide = (a.width + b.width) / 2 - abs(a.x - b.x)
        high = (a.height + b.height) / 2 - abs(a.y - b.y)
        assert min(wide, high) < 1e-6
    for box in boxes:
        assert box.width / 2 <= box.x <= width - box.width / 2
        assert box.height / 2 <= box.y <= height - box.height / 2


def test_the_micrograd_style_shows_records() -> None:
    texts, arrows = read_dot(draw(apple(), style="micrograd").source)
    assert ["apple", "data 100", "grad 2.2"] in texts.values()
    assert ["×", "price", "data 220", "grad 1"] in texts.values()
    assert arrows.total() == 4


def test_the_line_of_an_output_ends_in_its_record() -> None:
    layout = lay_out(picture_of(take_snapshot((apple(),)), "micrograd"))
    *inner, output = layout.strands
    right = max(box.x + box.width / 2 for box in output.boxes)
    assert output.end[0] < right
    assert all(s.end[0] > max(box.x + box.width / 2 for box in s.boxes) for s in inner)


def test_the_shapes_style_shows_shapes_alone() -> None:
    texts, _ = read_dot(draw(affine(), style="shapes").source)
    assert texts["0"] == ["X", "(2, 2) float64"]
    assert ["+", "(2, 3) float64"] in texts.values()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("rankdir", RANKDIRS)
@pytest.mark.parametrize("label", [NASTY, "a\\Nb \\G", "{a|b}", "-->", "&lt;"])
def test_every_style_shows_labels_as_they_are(label: str, rankdir: str, style: str) -> None:
    y = Value(2.0, label=label) * 3
    diagram = draw(y, style=style, rankdir=rankdir, color="gradient", highlight=y)
    readings = [read_own_svg(own_svg(y, style=style, rankdir=rankdir))]
    if HAS_DOT:
        readings.append(read_dot_svg(diagram.svg))
    for texts, _ in readings:
        assert texts["0"][0] == label
    assert "<script" not in diagram.svg + diagram.source + diagram._repr_mimebundle_()["text/html"]


@pytest.mark.skipif(not HAS_DOT, reason="needs the dot program")
@pytest.mark.parametrize("rankdir", RANKDIRS)
@pytest.mark.parametrize(
    "options",
    [{}, {"style": "micrograd"}, {"tensors": "heat"}, {"tensors": "summary", "color": "gradient"}],
)
def test_dot_takes_every_style_without_a_word(options: dict[str, Any], rankdir: str) -> None:
    for build in (affine, softmax_with_loss, dead):
        source = draw(build(), rankdir=rankdir, **options).source
        done = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not HAS_DOT, reason="needs the dot program")
def test_with_dot_a_label_s_line_lies_on_the_lines_that_meet_it() -> None:
    for options in ({}, {"highlight": True}):
        x = Value(2.0, label="x")
        y = x * 3
        svg = draw(y, highlight=x if options else ()).svg
        group = ET.fromstring(svg).findall(".//{*}g[@data-node='0']/{*}polygon")[0]
        heights = [float(point.split(",")[1]) for point in str(group.get("points")).split()]
        edge = ET.fromstring(svg).findall(".//{*}g[@data-tail='0']/{*}path")[0]
        start = re.match(r"M[-\d.]+,([-\d.]+)", str(edge.get("d")))
        assert start is not None
        assert (min(heights) + max(heights)) / 2 == float(start[1])


# -- colours and marks


def test_color_shows_sign_and_magnitude_of_the_gradient(no_dot: None) -> None:
    a, b = Value(3.0, label="a"), Value(-100.0, label="b")
    y = a * b
    y.backward()
    keys = {node: key for key, node in nodes_of(y).items()}
    found = strokes(draw(y, color="gradient").svg)
    assert found[keys[a]] == (appearance_for(-100.0, 100.0).line, "4")  # blue
    assert found[keys[b]] == (appearance_for(3.0, 100.0).line, "1")  # √0.03 < 1/3
    assert appearance_for(3.0, 100.0).line in ORANGES
    assert appearance_for(-3.0, 100.0).line in BLUES
    assert appearance_for(25.0, 100.0).width == 2
    assert "up to 100 in magnitude" in draw(y, color="gradient").svg
    uncoloured = draw(y).svg
    assert "magnitude" not in uncoloured
    assert set(strokes(uncoloured).values()) == {("black", "1")}


def test_color_without_any_gradient_is_grey(no_dot: None) -> None:
    assert len(set(strokes(draw(Value(2.0) * 3, color="gradient").svg).values())) == 1


def dead() -> Value:
    """Return a graph with a dead ReLU, nan and inf."""
    y = relu(Value(-2.0, label="x")) + Value(0.0, label="w")
    z = log(y) * y
    z.label = "z"
    z.backward()
    return z


def marks_of(root: Node) -> set[str]:
    """Return the marks in both drawings of a graph, which must be the same."""
    found = {t for t in texts_of(draw(root).source) if t.startswith("⚠")}
    svg = with_class(own_svg(root), "mark")
    assert {text.text for text in svg} == found
    return found


def test_nan_inf_and_dead_relus_are_marked_in_the_picture_and_in_its_description() -> None:
    assert marks_of(dead()) == {"⚠ nan", "⚠ inf", "⚠ dead"}
    alt = draw(dead()).alt
    assert "dead at relu" in alt
    assert "inf at log" in alt
    assert "nan at z" in alt


def test_a_relu_that_passes_something_on_is_not_marked() -> None:
    assert marks_of(relu(Value(1.0))) == set()
    assert marks_of(relu(Tensor(np.array([-1.0, 0.5])))) == set()
    assert marks_of(relu(Tensor(np.array([-1.0, 0.0])))) == {"⚠ dead"}
    assert marks_of(Value(0.0).tanh()) == set()


def test_marks_of_arrays_tell_how_many() -> None:
    x = Tensor(np.array([1.0, np.nan, np.inf, -np.inf]), label="x")
    assert marks_of(x) == {"⚠ 1 nan", "⚠ 2 inf"}


# -- for screen readers, notebooks and pages


def test_a_picture_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    diagram = draw(apple())
    for svg in (diagram.svg, own_svg(apple())):
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        assert root.get("aria-label") == diagram.alt
    assert diagram.alt.startswith("Computational graph, 5 nodes, 4 edges.")
    assert "price = 220, gradient 1" in diagram.alt
    assert "apple = 100, gradient 2.2" in diagram.alt
    html = diagram._repr_mimebundle_()["text/html"]
    assert f'alt="{diagram.alt}"' in html


def test_the_description_of_a_wide_graph_is_short() -> None:
    y = Value(0.0)
    for i in range(100):
        y = y + Value(1.0, label=f"x{i}")
    assert "and 92 more" in draw(y).alt
    assert len(draw(y).alt) < 500


@pytest.mark.skipif(not HAS_DOT, reason="needs the dot program")
def test_two_pictures_from_dot_can_stand_on_one_page() -> None:
    svg = draw(apple()).svg
    assert " id=" not in svg
    assert svg.count("<title>") == 1  # dot's own would show as tooltips
    assert 'data-tail="0" data-head="2"' in svg


def test_a_wide_picture_shrinks_in_a_notebook_and_then_scrolls() -> None:
    html = draw(apple())._repr_mimebundle_()["text/html"]
    width = re.search(r'width="([\d.]+)pt"', draw(apple()).svg)
    least = re.search(r"min-width: (\d+)pt", html)
    assert width is not None
    assert least is not None
    assert float(least[1]) == pytest.approx(0.6 * float(width[1]), abs=1)
    assert "overflow-x: auto" in html
    assert "max-width: 100%" in html


@pytest.mark.parametrize("rankdir", RANKDIRS)
@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_the_same_each_time(style: str, rankdir: str, tmp_path: Path) -> None:
    first, second = (draw(affine(), style=style, rankdir=rankdir, tensors="heat") for _ in "12")
    assert first.source == second.source
    assert first.svg == second.svg
    assert first.save(tmp_path / "affine.svg").read_text(encoding="utf-8") == first.svg
