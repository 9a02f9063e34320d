"""The stepper without a browser: its page, its text, and what a notebook gets."""

from __future__ import annotations

import base64
import json
import re
import tomllib
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

import viz
from micrograd import Value
from micrograd.errors import ArgumentError, OperandError
from tests.stepped import NASTY, affine, apple, nasty, sigmoid
from viz import step

ROOT = Path(__file__).resolve().parents[1]


class Elements(HTMLParser):
    """The elements of a page: names, attributes, and the texts of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data


def test_step_is_public_and_takes_names_as_draw_does() -> None:
    assert viz.step is step
    cost = Value(2.0) * 3
    assert step(cost, names="caller").steps[1].lines == ("cost = x1·3 = 2·3 = 6",)
    assert step(cost, names={"a": cost}, b=cost).steps[1].title == "Forward: × computes b"
    with pytest.raises(OperandError, match="numbers"):
        step(cost, numbers=3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="names"):
        step(cost, names="called")


def test_a_graph_above_the_limit_is_refused() -> None:
    with pytest.raises(ArgumentError, match="limit=2"):
        step(Value(2.0) * 3, limit=2)


def test_the_page_needs_nothing_else() -> None:
    for tag, attributes in Elements(apple().html).found:
        assert tag not in ("link", "img", "iframe", "object")
        assert not {"src", "href"} & set(attributes)
    assert "http" not in apple().html.replace("http://www.w3.org/2000/svg", "").replace(
        "http-equiv", ""
    )


def test_text_is_text_everywhere() -> None:
    stepper = nasty()
    bundle = stepper._repr_mimebundle_()
    page = Elements(stepper.html)
    assert [tag for tag, _ in page.found].count("script") == 2
    assert not any("onload" in attributes for _, attributes in page.found)
    data = json.loads(page.scripts[0])
    assert data["nodes"][0]["name"] == f"{NASTY}<!--"
    assert page.scripts[0].isascii()
    assert not set("<>&") & set(page.scripts[0])
    outside = Elements(bundle["text/html"])
    assert [tag for tag, _ in outside.found] == ["div", "div", "img", "iframe"]
    assert outside.found[3][1]["srcdoc"] == stepper.html
    texts = [text.text for text in ET.fromstring(stepper.svg).findall(".//{*}text")]
    assert f"{NASTY}<!--" in texts


def test_the_same_graph_gives_the_same_bytes() -> None:
    for build in (apple, sigmoid, affine, nasty):
        one, other = build(), build()
        assert one.html == other.html
        assert one._repr_mimebundle_() == other._repr_mimebundle_()


def test_a_notebook_gets_the_page_over_the_static_picture_and_text() -> None:
    stepper = apple()
    bundle = stepper._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml", "text/html"}
    assert bundle["image/svg+xml"] == stepper.svg
    assert bundle["text/plain"].splitlines()[:2] == ["1. Forward: the inputs", "     apple = 100"]
    image = re.search(r'<img src="data:image/svg\+xml;base64,([^"]+)"', bundle["text/html"])
    assert image is not None
    assert base64.b64decode(image[1]).decode() == stepper.svg
    assert set(stepper._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    assert "text/html" not in stepper._repr_mimebundle_(exclude={"text/html"})


def test_the_static_picture_shows_all_values_and_gradients() -> None:
    texts = [text.text for text in ET.fromstring(apple().svg).findall(".//{*}text")]
    assert {"100", "2.2", "2", "110", "1.1", "200", "220", "1", "total", "price"} <= set(texts)


def test_the_display_hook_falls_back_to_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("no picture")

    monkeypatch.setattr("viz.telling.stepper.lay_out", fail)
    assert list(apple()._repr_mimebundle_()) == ["text/plain"]


def test_save(tmp_path: Path) -> None:
    stepper = nasty()
    path = stepper.save(str(tmp_path / "page.html"))
    assert path.read_bytes() == stepper.html.encode()
    for name in ("page.svg", "page"):
        with pytest.raises(ArgumentError, match=r"expected \.html"):
            stepper.save(tmp_path / name)
    assert repr(stepper) == f"Stepper({len(stepper.steps)} steps)"


def test_a_wheel_contains_the_files_of_the_page() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = settings["tool"]["setuptools"]["package-data"]["viz"]
    root = ROOT / "viz"
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert set(packed) == {name for name in files if not name.endswith((".py", ".pyc"))}
