"""Reports in a browser: no errors, no network, nothing cut off, legible; skipped where there is no Chromium.

`.ci/run` installs Debian's and sets BROWSER_REQUIRED.
"""

import json
import os
import shutil
from dataclasses import replace

import pytest

from dissentangle import inference
from dissentangle.datasets import read
from dissentangle.datasets.bundled_files import BUNDLED
from dissentangle.inference.comparison.compare import compare
from dissentangle.inference.reports import fit_page
from dissentangle.inference.reports.comparison import comparison_page
from dissentangle.inference.reports.folder import write_index
from dissentangle.inference.reports.index import failed_row, index_page, row_of
from dissentangle.inference.reports.write import write_comparison, write_report

from ..inference.fits.altered_fits import uninformed

pytestmark = pytest.mark.slow

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
OPEN_ALL = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
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
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    figures = page.locator("figure svg[aria-label]")
    assert figures.count() >= {"index": 1, "compared": 2}.get(name, 8)
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
    assert page.locator("details").count() == 10
    page.locator("summary").first.click()
    assert page.locator("details figure svg").first.is_visible()
    context.close()


@pytest.mark.parametrize(("width", "height"), [(1200, 800), (1366, 768)])
def test_the_answer_is_the_first_screen(browser, pages, width, height):
    """Verdict with its condition, rates, ξ(t), what to do next."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(pages["good"].as_uri())
    for shown in (".verdict", "main > p", "table", "figure svg", "main > ul"):
        box = page.locator(shown).first.bounding_box()
        assert box["y"] + box["height"] <= height
    page.close()


@pytest.mark.parametrize(("width", "as_table"), [(1200, True), (700, True), (400, False)])
def test_a_table_stays_a_table_down_to_700_pixels(browser, pages, width, as_table):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(pages["good"].as_uri())
    page.evaluate(OPEN_ALL)
    heads = page.locator("thead")
    assert [heads.nth(k).is_visible() for k in range(heads.count())] == [as_table] * heads.count()
    if as_table:  # with room for all of it
        wide = (
            "[...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)"
        )
        assert page.evaluate(wide) == []
    page.close()


def test_a_figure_opens_alone_on_a_click(browser, pages):
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.goto(pages["good"].as_uri())
    figure = page.locator("#figure-answer")
    narrow = figure.bounding_box()["width"]
    figure.locator("svg").click()
    assert figure.bounding_box() == {"x": 0, "y": 0, "width": 1200, "height": 800}
    figure.locator("a.back").click()
    assert figure.bounding_box()["width"] == narrow
    page.close()


def test_contents_lead_to_the_sections(browser, pages):
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.goto(pages["good"].as_uri())
    links = page.locator("nav a")
    assert links.count() == 14
    links.filter(has_text="Sampling").click()
    assert page.evaluate("document.querySelector(':target').id") == "sampling"
    page.set_viewport_size({"width": 500, "height": 800})
    shown = [links.nth(k).inner_text() for k in range(links.count()) if links.nth(k).is_visible()]
    assert shown == ["Answer", "Checks", "Record"]
    page.close()


# One data set that sets every text, in all pages that show any of them


def text(key):
    """Markup, ends of attributes in both quotes, and what the figures' own markup is made of."""
    return f'<x-{key} onclick=alert(3)>&lt;" onload="alert(4)" \' onload=\'alert(5)\' DejaVu Sans #0072b2 id="b" $_'


def quoted(key):
    """In TOML."""
    return json.dumps(text(key))


FILE = "<x-file onclick=alert(3)>.csv"
EVERY = f"""format_version = 1
simulated = false
title = {quoted("title")}
description = {quoted("description")}
[[stage]]
duration = "20 ms"
drive = true
[[stage]]
duration = "20 ms"
drive = true
run = {quoted("run")}
[[run]]
name = {quoted("run")}
relative_depth = 0.5
[apparatus]
optical_depth = 35
[prior]
{json.dumps(f"scale[{text('series')}]")} = "normal(1,   0.04)"
[[series]]
kind = "xi"
noise = "gamma"
file = "{FILE}"
name = {quoted("series")}
note = {quoted("note")}
scale_uncertainty = 0.04
[[series]]
kind = "polarization"
file = "polarization.csv"
run = {quoted("run")}
name = {quoted("other")}
[[observation]]
quantity = "transverse_spin"
time = "15 ms"
value = 0.6
sigma = 0.1
run = {quoted("run")}
source = {quoted("source")}
scale_uncertainty = 0.05
shared_scale = {quoted("shared")}
[[observation]]
quantity = "xi"
time = "20 ms"
value = 0.9
sigma = 0.1
source = {quoted("source")}
exclude = {quoted("excluded")}
"""
SHOWN = ("title", "description", "run", "series", "other", "note", "fit", "member", "model", "about", "reason", "words")
"""Of the texts above and below, what some page shows."""
MARKUP = """
() => [...document.querySelectorAll("*")].filter(e => e.localName.startsWith("x-")
  || [...e.attributes].some(a => a.name.startsWith("on")
    || (a.name.endsWith("href") && !/^(#|data:|[\\w%./-]+$)/.test(a.value))))
  .map(e => e.outerHTML.slice(0, 200))
"""


@pytest.fixture
def hostile_folder(tmp_path, registry):
    """Pages of that data set, of a joint fit with it, of a comparison with a user's model, and the index of them."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "experiment.toml").write_text(EVERY, encoding="utf-8")
    for source, file in (("xi", FILE), ("polarization", "polarization.csv")):
        shutil.copy(BUNDLED / "fig2b-d35" / f"{source}.csv", data / file)

    def change(experiment, settings):
        return experiment, settings

    model = text("model").replace("_", "-")
    change.__name__, change.__doc__ = model, text("about")
    inference.rival_model(change)
    few = {"seed": 3, "draws": 50, "tune": 200}
    fits = {"single": inference.fit(data, **few)}
    fits["joint"] = inference.fit({text("member"): data, "b": read("fig2b-d55")}, **few)
    files = {name: tmp_path / "fits" / f"{name}-{text('fit')}.nc" for name in fits}
    for name, fit in fits.items():
        inference.save_fit(fit, files[name])
    compared = compare({"microscopic": fits["single"], model: uninformed(fits["single"])}, refit=False)
    write_comparison(compared, tmp_path / "fits")
    facts = (tmp_path / "fits" / "comparison.json").read_text()
    words = json.dumps(text("words"))
    (tmp_path / "fits" / "comparison.json").write_text(facts.replace('"in_words": [', f'"in_words": [{words}, '))
    reports = tmp_path / "reports"
    for name, file in files.items():
        write_report(fits[name], reports / f"{file.stem}.html", file)
    rows = [row_of(files[name].stem, fit) for name, fit in fits.items()]
    rows += [failed_row(text("reason"), text("reason")), replace(rows[0], name="weak", status="weak")]
    write_index(tmp_path, rows, {file.stem: file for file in files.values()})
    return tmp_path


def test_no_text_of_a_data_set_is_markup(browser, hostile_folder):
    pages = sorted(hostile_folder.rglob("*.html"))
    assert len(pages) == 4
    seen = ""
    for path in pages:
        page = browser.new_page()
        complaints, requests = [], []
        page.on("console", lambda message, said=complaints: said.append(message.text))
        page.on("dialog", lambda dialog, said=complaints: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request, asked=requests: asked.append(request.url))
        page.goto(path.as_uri())
        assert (complaints, requests) == ([], [page.url])
        assert page.evaluate(MARKUP) == []
        assert page.locator("script, img, iframe, object").count() == 0
        labels = page.evaluate(
            "[...document.querySelectorAll('svg[aria-label]')].map(e => e.getAttribute('aria-label'))"
        )
        seen += "\n".join((page.evaluate("document.documentElement.textContent"), *labels))
        page.close()
    assert [key for key in SHOWN if f"<x-{key} onclick=alert(3)>&lt;" not in seen] == []
