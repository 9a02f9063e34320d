"""The stepper driven in Chromium: a page alone, in nbconvert's HTML, and in JupyterLab."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import jupyterlab, launched, needs, run_notebook, write_notebook
from tests.stepped import NASTY, affine, apple, grouped, nasty, sigmoid
from viz import Stepper

_PATIENCE = 20_000  # milliseconds for a page to come to what is waited for
pytestmark = pytest.mark.slow
needs_browser = needs("playwright")
needs_notebook = needs("playwright", "ipykernel", "nbclient", "nbconvert")
needs_lab = needs("playwright", "ipykernel", "nbclient", "nbconvert", "jupyterlab")

APPLE = """
from micrograd import Value
from viz import step
apple, count, tax = Value(100.0), Value(2.0), Value(1.1)
total = apple * count
price = total * tax
step(price, names="caller")
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Run one browser for all tests."""
    with launched() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Open a page, on which nothing may fail, nor be fetched from elsewhere."""
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    page.set_default_timeout(_PATIENCE)
    faults, requests = list[str](), list[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: requests.append(request.url))
    yield page
    page.close()
    assert not faults
    assert not [url for url in requests if not url.startswith(("file:", "data:", "about:"))]


def open_page(page: Any, stepper: Stepper, folder: Path) -> Any:
    """Show a stepper's page and return its frame."""
    page.goto(stepper.save(folder / "page.html").as_uri())
    return page.main_frame


def said(frame: Any) -> list[str]:
    """Return what the current step says."""
    return frame.locator("#step h2, #step li").all_inner_texts()


def wait_for(frame: Any, index: int, stepper: Stepper) -> None:
    """Wait until a step is shown, and check all that it says."""
    from playwright.sync_api import expect

    shown = stepper.steps[index]
    expect(frame.locator("#count")).to_have_text(f"{index + 1} / {len(stepper.steps)}")
    expect(frame.locator("#slider")).to_have_attribute(
        "aria-valuetext", f"Step {index + 1} of {len(stepper.steps)}: {shown.title}"
    )
    assert said(frame) == [shown.title, *shown.lines]


def drive(frame: Any, stepper: Stepper) -> None:
    """Go through all steps with a button, and back with another."""
    wait_for(frame, 0, stepper)
    for index in range(1, len(stepper.steps)):
        frame.get_by_role("button", name="Next step").click()
        wait_for(frame, index, stepper)
    frame.get_by_role("button", name="First step").click()
    wait_for(frame, 0, stepper)


@needs_browser
@pytest.mark.parametrize("build", [apple, sigmoid, affine, grouped])
def test_every_step_is_told(page: Any, tmp_path: Path, build: Any) -> None:
    stepper = build()
    drive(open_page(page, stepper, tmp_path), stepper)


@needs_browser
def test_buttons_and_slider(page: Any, tmp_path: Path) -> None:
    stepper = apple()
    frame = open_page(page, stepper, tmp_path)
    first, previous, following, last = (
        frame.get_by_role("button", name=f"{name} step")
        for name in ("First", "Previous", "Next", "Last")
    )
    assert (first.get_attribute("aria-disabled"), last.get_attribute("aria-disabled")) == (
        "true",
        "false",
    )
    last.click()
    wait_for(frame, 6, stepper)
    assert following.get_attribute("aria-disabled") == "true"
    previous.click()
    wait_for(frame, 5, stepper)
    slider = frame.get_by_role("slider", name="Step")
    slider.fill("2")
    wait_for(frame, 2, stepper)
    slider.press("ArrowRight")
    wait_for(frame, 3, stepper)
    slider.press("Home")
    wait_for(frame, 0, stepper)


@needs_browser
def test_keys(page: Any, tmp_path: Path) -> None:
    stepper = apple()
    frame = open_page(page, stepper, tmp_path)
    for key, index in (
        ("ArrowLeft", 0),
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", 6),
        ("ArrowRight", 6),
        ("Home", 0),
        ("Control+ArrowRight", 0),
    ):
        page.keyboard.press(key)
        wait_for(frame, index, stepper)
    frame.get_by_role("button", name="Next step").focus()
    page.keyboard.press("Space")  # on a button, it presses it
    wait_for(frame, 1, stepper)


@needs_browser
def test_play(page: Any, tmp_path: Path) -> None:
    stepper = apple()
    page.clock.install()
    frame = open_page(page, stepper, tmp_path)
    page.keyboard.press("Space")
    assert frame.get_by_role("button", name="Pause").count() == 1
    page.clock.run_for(5_100)
    wait_for(frame, 2, stepper)
    page.keyboard.press("Space")
    page.clock.run_for(10_000)
    wait_for(frame, 2, stepper)
    frame.get_by_role("button", name="Play").click()
    page.clock.run_for(20_000)
    wait_for(frame, 6, stepper)
    frame.get_by_role("button", name="Play").click()  # from the end, it starts anew
    wait_for(frame, 0, stepper)
    page.keyboard.press("ArrowRight")  # whoever steps stops it
    page.clock.run_for(10_000)
    wait_for(frame, 1, stepper)


@needs_browser
def test_pointing_at_a_node_and_moving_to_it_show_its_formula(page: Any, tmp_path: Path) -> None:
    frame = open_page(page, apple(), tmp_path)
    detail = frame.locator("#detail")
    assert "Point at a node" in detail.inner_text()
    total = frame.locator('.hit[data-node="2"]')
    total.hover()
    assert detail.inner_text().split("\n") == [
        "total",
        "total = apple·count",
        "∂price/∂total: not computed so far",
    ]
    page.keyboard.press("End")
    known = [
        "total",
        "total = apple·count = 100·2 = 200",
        "∂price/∂total = 1.1",
        "∂(apple·count)/∂apple = count = 2",
        "∂(apple·count)/∂count = apple = 100",
    ]
    assert detail.inner_text().split("\n") == known
    page.mouse.move(0, 0)
    assert "Point at a node" in detail.inner_text()
    frame.get_by_role("slider", name="Step").focus()
    for name in ("apple", "count", "total"):
        page.keyboard.press("Tab")
        assert detail.locator("h2").inner_text() == name
    assert detail.inner_text().split("\n") == known
    assert frame.get_by_role("img", name=". ".join(known)).count() == 1
    assert frame.locator(":focus").evaluate("e => getComputedStyle(e).stroke") != "none"
    page.keyboard.press("ArrowLeft")
    assert said(frame)[0] == "Backward: × passes on the gradient of total"


@needs_browser
def test_values_and_gradients_appear_when_the_story_comes_to_them(
    page: Any, tmp_path: Path
) -> None:
    stepper = affine()
    frame = open_page(page, stepper, tmp_path)
    count = len(stepper._story.descriptions)
    known: tuple[set[int], set[int]] = (set(), set())
    for step_ in stepper.steps:
        known[0].update(step_.values)
        known[1].update(step_.gradients)
        for kind, shown in zip(("value", "gradient"), known, strict=True):
            for node in range(count):
                parts = frame.locator(f'g.node[data-node="{node}"] .{kind}')
                visible = {parts.nth(i).is_visible() for i in range(parts.count())}
                assert visible <= {node in shown}, (step_.title, node, kind)
        # It stands on the edge that b's gradient came along.
        assert frame.locator("g.note .gradient").is_visible() == (3 in known[1])
        page.keyboard.press("ArrowRight")


@needs_browser
def test_what_is_active_differs_by_more_than_colour(page: Any, tmp_path: Path) -> None:
    stepper = apple()
    frame = open_page(page, stepper, tmp_path)
    look = "e => [getComputedStyle(e).strokeDasharray, parseFloat(getComputedStyle(e).strokeWidth)]"
    for step_ in stepper.steps:
        active = frame.locator(".flow.active")
        ends = active.evaluate_all("all => all.map(e => [+e.dataset.tail, +e.dataset.head])")
        assert [tuple(pair) for pair in ends] == list(step_.edges)
        for i in range(active.count()):
            dashes, width = active.nth(i).evaluate(look)
            assert width > 2
            assert (dashes != "none") == (step_.phase == "backward")
        circles = frame.locator("g.node.active circle")
        assert all(circles.nth(i).evaluate(look)[1] > 2 for i in range(circles.count()))
        page.keyboard.press("ArrowRight")


def luminance(colour: str) -> float:
    """Return the relative luminance of a computed colour, as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@needs_browser
@pytest.mark.parametrize("build", [affine, grouped])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable(page: Any, tmp_path: Path, scheme: str, build: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    frame = open_page(page, build(), tmp_path)
    page.keyboard.press("End")
    paper = frame.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) > 0.5) == (scheme == "light")
    panel = frame.evaluate("getComputedStyle(document.getElementById('step')).backgroundColor")
    texts = "all => all.map(e => [e.textContent, getComputedStyle(e).fill])"
    for text, fill in frame.locator("#picture text").evaluate_all(texts):
        assert contrast(fill, paper) >= 4.5, text
    for selector in ("#step h2", "#step li", "#detail li"):
        colour = frame.locator(selector).first.evaluate("e => getComputedStyle(e).color")
        assert contrast(colour, panel) >= 4.5, selector
    lines = frame.locator("g.edge > path[stroke], g.node > path[stroke], g.note > path[stroke]")
    for stroke in lines.evaluate_all("all => all.map(e => getComputedStyle(e).stroke)"):
        assert contrast(stroke, paper) >= 3
    heads = frame.locator("g.edge > path:not([stroke])")
    for fill in heads.evaluate_all("all => all.map(e => getComputedStyle(e).fill)"):
        assert contrast(fill, paper) >= 3


@needs_browser
@pytest.mark.parametrize("width", [320, 600, 1200])
def test_the_page_is_no_wider_than_the_window(page: Any, tmp_path: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 500})
    for build in (sigmoid, affine):
        frame = open_page(page, build(), tmp_path)
        page.keyboard.press("End")
        wide, high = frame.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert wide <= width
        assert high <= 500


@needs_browser
def test_roles_and_names(page: Any, tmp_path: Path) -> None:
    frame = open_page(page, apple(), tmp_path)
    assert page.title() == "price, step by step"
    assert frame.get_by_role("main", name="price, step by step").count() == 1
    assert frame.get_by_role("group", name="Graph: price, step by step").count() == 1
    assert frame.locator("#step").get_attribute("aria-live") == "polite"
    assert frame.locator('[role="img"]').count() == 5  # one stop for each node


@needs_browser
def test_an_attack_in_a_name_is_shown_as_text(page: Any, tmp_path: Path) -> None:
    stepper = nasty()
    frame = open_page(page, stepper, tmp_path)
    drive(frame, stepper)
    assert frame.locator("g.node .name").first.text_content() == f"{NASTY}<!--"


@needs_browser
def test_without_scripts_the_picture_and_all_steps_are_there(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        stepper = apple()
        page.goto(stepper.save(tmp_path / "page.html").as_uri())
        assert page.locator("noscript li").count() == len(stepper.steps)
        assert page.locator("noscript li", has_text="∂price/∂apple = 2.2").is_visible()
        assert not page.get_by_role("button").count()
        values = page.locator("g.node .gradient")
        assert all(values.nth(i).is_visible() for i in range(values.count()))
    finally:
        context.close()


# -- in notebooks


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a notebook, the same after it ran, and that as a page."""
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebook(folder / "fresh.ipynb", APPLE)
    run_notebook(folder / "fresh.ipynb", folder / "executed.ipynb", folder / "executed.html")
    return folder


def frame_in(page: Any) -> Any:
    """Wait for the stepper's frame on a page of a notebook."""
    iframe = page.locator('iframe[title="price, step by step"]')
    iframe.wait_for()
    frame = iframe.element_handle().content_frame()
    frame.locator("#count").wait_for()
    return frame


def covers(page: Any) -> bool:
    """Tell whether the frame lies over the static picture."""
    inner = page.locator('img[src^="data:image/svg+xml"]').bounding_box()
    outer = page.locator('iframe[title="price, step by step"]').bounding_box()
    return (
        outer["x"] <= inner["x"]
        and outer["y"] <= inner["y"]
        and outer["x"] + outer["width"] >= inner["x"] + inner["width"]
        and outer["y"] + outer["height"] >= inner["y"] + inner["height"]
    )


@needs_notebook
def test_in_the_html_of_nbconvert(page: Any, notebooks: Path) -> None:
    page.goto((notebooks / "executed.html").as_uri())
    frame = frame_in(page)
    drive(frame, apple())
    assert covers(page)
    assert frame.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert frame.locator("#picture").evaluate("e => e.scrollHeight <= e.clientHeight + 1")


@pytest.fixture(scope="module")
def lab(notebooks: Path) -> Iterator[str]:
    """Run a JupyterLab on the notebooks."""
    with jupyterlab(notebooks) as address:
        yield address


@pytest.fixture
def lab_page(browser: Any) -> Iterator[Any]:
    """Open a page, on which no script of a stepper may fail or fetch anything."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(_PATIENCE)
    faults = list[str]()
    inside = lambda url: url.startswith("about:srcdoc")  # noqa: E731
    page.on(
        "console",
        lambda m: (
            faults.append(m.text)
            if m.type in ("error", "warning") and inside(m.location["url"])
            else None
        ),
    )
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda request: faults.append(request.url) if inside(request.frame.url) else None,
    )
    yield page
    page.close()
    assert not faults


@needs_lab
def test_live_in_jupyterlab(lab_page: Any, lab: str) -> None:
    lab_page.goto(f"{lab}/doc/tree/fresh.ipynb")
    lab_page.get_by_text("| Idle").wait_for()  # before, JupyterLab would ask for a kernel
    lab_page.locator(".jp-CodeCell .cm-content").click()
    lab_page.keyboard.press("Shift+Enter")
    frame = frame_in(lab_page)
    drive(frame, apple())
    assert covers(lab_page)
    frame.locator("#slider").focus()
    lab_page.keyboard.press("End")
    wait_for(frame, 6, apple())


@needs_lab
def test_an_untrusted_notebook_shows_the_static_picture(lab_page: Any, lab: str) -> None:
    lab_page.goto(f"{lab}/doc/tree/executed.ipynb")
    image = lab_page.locator('.jp-OutputArea img[src^="data:image/svg+xml"]')
    image.wait_for()
    assert image.evaluate("e => e.complete && e.naturalWidth > 300")
    assert image.bounding_box()["width"] > 300
    assert "price = 220" in html.unescape(image.get_attribute("alt"))
    assert lab_page.locator("iframe").count() == 0
