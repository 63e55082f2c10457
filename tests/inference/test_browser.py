"""Reports in a browser: no errors, no network, nothing cut off, legible; skipped where there is no Chromium.

`.ci/run` installs Debian's and sets BROWSER_REQUIRED.
"""

import os
import shutil
from dataclasses import replace

import pytest

from dissentangle import inference
from dissentangle.datasets import read
from dissentangle.inference.campaign_summary import row_of
from dissentangle.inference.comparison import compare
from dissentangle.inference.pages.comparison_page import comparison_page
from dissentangle.inference.pages.fit_page import fit_page
from dissentangle.inference.pages.index_page import index_page

from .altered_fits import uninformed

HOSTILE = '</title><script>alert(1)</script><img src=x onerror=alert(2)> $x_1$ \\LaTeX{} 🐈 " ' + "y" * 300
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const channels = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = c => { const [r, g, b] = c.slice(0, 3).map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = element => { for (let e = element; e; e = e.parentElement) {
    const c = channels(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255]; };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const ink = channels(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [luminance(ink), luminance(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(element.textContent.slice(0, 40) + " " + (a + 0.05) / (b + 0.05));
  }
  return found;
}
"""
SMALLEST_TEXT = """
() => Math.min(...[...document.querySelectorAll("svg text")].map(t => {
  const m = t.getScreenCTM(); return parseFloat(getComputedStyle(t).fontSize) * Math.hypot(m.a, m.b); }))
"""


@pytest.fixture(scope="module")
def browser():
    required = bool(os.environ.get("BROWSER_REQUIRED"))
    if not required:
        pytest.importorskip("playwright", reason="playwright (extra `browser`) is not installed")
        if CHROMIUM is None:
            pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(fit_d55, page_d55, tmp_path_factory):
    """A report of a hostile joint fit, that of a good fit, an index, a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    first = read("fig2b-d35")
    renamed = tuple(replace(series, name=f"<i {series.name}> & 🐈 $_") for series in first.series)
    hostile = replace(first, title=HOSTILE, series=renamed, description=HOSTILE)
    fixed = {"collision_rate": "fixed(0.002)", "initial_n3": "fixed(0.01)"}
    joint = inference.fit({"a": hostile, "<b onload=alert(3)>": read("fig2b-d55")}, seed=3, draws=100, priors=fixed)
    rows = [row_of("fig2b-d55", fit_d55), replace(row_of("hostile", joint), status="misfit", verdict=HOSTILE)]
    texts = {
        "good": page_d55,
        "hostile": fit_page(joint, HOSTILE),
        "index": index_page(rows, {}, {}),
        "compared": comparison_page(compare({"microscopic": fit_d55, HOSTILE: uninformed(fit_d55)}, refit=False)),
    }
    paths = {}
    for name, text in texts.items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_text(text, encoding="utf-8")
    return paths


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["good", "hostile", "index", "compared"])
def test_page(browser, pages, name, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(pages[name].as_uri())
    assert complaints == []
    assert requests == [pages[name].as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    figures = page.locator("figure svg")
    assert figures.count() >= {"index": 0, "compared": 2}.get(name, 9)
    for k in range(figures.count()):
        assert figures.nth(k).is_visible()
        box = figures.nth(k).bounding_box()
        assert box["width"] > 0.6 * min(width, 400)
        assert box["height"] > 100
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    if figures.count():
        assert page.evaluate(SMALLEST_TEXT) > 6.0
    assert page.locator("script, img, iframe, object").count() == 0
    page.close()


def test_a_page_without_scripts_says_the_same(browser, pages):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["good"].as_uri())
    assert page.locator(".verdict").inner_text().startswith("Usable:")
    assert page.locator("h2").count() == 11
    context.close()
