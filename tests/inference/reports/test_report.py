"""The report: one page, the verdict first, every text of the user's as text."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError
from dissentangle.inference.cli import main
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.reports import fit_page, write
from dissentangle.inference.reports.fit import opening
from dissentangle.inference.reports.page import generator, page
from dissentangle.inference.reports.reported import ReportedFit
from dissentangle.inference.reports.svg import inline_svg
from dissentangle.inference.text import paper_values

from ...seeds import seed
from ..fits.altered_fits import broken, misfitted, uninformed

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script> \\LaTeX{} $x_1$ & 🐈 ' \" " + "y" * 300
CHECKS = [
    "Data, model, residuals",
    "What could still be wrong",
    "Rival models",
    "Criticism",
    "Influence of single points",
    "Weight of the priors",
    "Correlations",
    "Sampling",
]
RECORD = ["All parameters", "Entanglement", "Reproduce this fit"]


def first_line(page):
    body = page[page.index("<main>") + 6 :]
    return unescape(re.sub("<[^>]*>", "", body.strip().splitlines()[0]))


def headings(page):
    return re.findall(r"(?:<summary[^>]*><h3>|<p class=\"line[^>]*><b>)(.*?)</", page)


def test_answer_checks_record(page_d55):
    """In this order; of a fit as it should be every check is a line, folded."""
    assert headings(page_d55) == [*CHECKS, *RECORD]
    assert re.findall('<h2 id="(.*?)"', page_d55) == ["checks", "record"]
    assert page_d55.index("<table>") < page_d55.index("What to do next") < page_d55.index('<h2 id="checks"')
    assert not re.search("<details[^>]* open", page_d55)
    links = re.findall('href="#(.*?)"', page_d55[page_d55.index("<nav") :])
    assert links == [
        "answer", "checks", *(id_of(name) for name in CHECKS), "record", *(id_of(name) for name in RECORD)
    ]  # fmt: skip
    assert all(f'id="{link}"' in page_d55 for link in links)


def id_of(title):
    return re.sub(r"\W+", "-", title.lower())


def test_what_is_not_as_expected_is_open_and_first(fit_d55):
    page = fit_page(misfitted(fit_d55))
    opened = re.findall('<details id="([^"]*)" open>', page)
    assert "data-model-residuals" in opened
    checks = re.findall('<(?:details|p class="line[^"]*") id="([^"]*)"', page)
    assert checks[: len(opened)] == opened


def test_paper_stands_beside_what_is_at_its_settings_only(page_d55, fit_d55):
    """Its rates are those of d = 55."""
    assert ">paper</th>" in page_d55
    assert paper_values(datasets.read("fig2b-d35")) == {}
    assert paper_values(datasets.read("fig2b-d55"))["collective_rate"] == 0.11


def test_gamma_tilde_is_not_gamma(page_d55):
    """Of the letter and the combining tilde fonts make a Γ: everywhere but in attributes it is built."""
    assert "<math><mover" in page_d55
    visible = re.sub(r'(aria-label|data-label|content)="[^"]*"|<title>.*?</title>', "", page_d55)
    assert "Γ\u0303" not in visible


def test_one_file_without_scripts_and_without_network(page_d55):
    assert "<script" not in page_d55
    assert not re.search(r'(src|href)="(?!#|data:,)', page_d55)
    assert not re.search(r"url\((?!#)", page_d55)
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"|http-equiv|10\.\d+', "", page_d55)
    assert len(page_d55.encode()) < 3e6


def test_the_verdict_comes_first(page_d55, fit_d55):
    assert first_line(page_d55).startswith("Usable: the sampling is healthy and the model describes the data.")
    for change, words in (
        (broken, "Do not use this fit: the sampling failed."),
        (misfitted, "Do not use these rates: the model does not describe the data."),
        (uninformed, "Of little use: most rates owe more to the prior"),
    ):
        assert first_line(page(**opening(ReportedFit(Fit(change(fit_d55)))))).startswith(words)


def test_the_tables(page_d55):
    text = unescape(page_d55).replace("\u00a0", " ")
    for words in (
        "simulated data",
        "collective (entangling) rate",
        "lognormal(0.1, 1)",
        "none</td>",
        "without repump no steady state is entangled",
        "minimum of ξ",
        "entangled until (the last stage goes on) [main]",
        "d needed for an entangled steady state",
    ):
        assert words in text
    assert "Γdeph [drive] and dΓ: −0.9" in text


def test_the_command_makes_the_same_draws_again(page_d55, fit_d55, tmp_path, capsys):
    file = tmp_path / "fig2b-d55.nc"
    inference.save_fit(fit_d55, file)
    for found, says in zip(re.findall("<pre>(.*?)</pre>", page_d55), ('"identical": true', '"healthy"'), strict=True):
        words = [str(tmp_path / word) if word.endswith(".nc") else word for word in unescape(found).split()[1:]]
        assert main([*words, "--json"]) == 0
        assert says in capsys.readouterr().out
        again = inference.read_fit(tmp_path / "again.nc")
        assert (again["posterior"]["collective_rate"].values == fit_d55["posterior"]["collective_rate"].values).all()


def test_every_figure_says_in_words_what_it_shows(page_d55):
    labels = re.findall('<svg[^>]*role="img" aria-label="([^"]*)"', page_d55)
    assert len(labels) == page_d55.count("<figure id") == page_d55.count("<svg") - page_d55.count("aria-hidden") >= 9
    assert all(len(label) > 30 for label in labels)
    assert "ξ(t): the data with the posterior bands. from" in unescape(labels[0])
    assert "residuals from" in unescape(labels[1])
    identifiers = re.findall(r'\bid="([^"]*)"', page_d55)
    assert len(identifiers) == len(set(identifiers))


def test_a_broken_fit_says_so_and_texts_of_the_user_are_text(fit_d55):
    tree = broken(fit_d55)
    tree.attrs["title"] = tree["experiment"].attrs["title"] = HOSTILE
    tree["experiment"].attrs["description"] = HOSTILE
    page = fit_page(tree, HOSTILE)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \\LaTeX{} $x_1$ &amp; 🐈" in page
    assert first_line(page).startswith("Do not use this fit: the sampling failed.")
    assert "y" * 260 not in re.search("<h1.*?</h1>", page)[0]


def test_published_numbers(fit_published):
    text = unescape(fit_page(fit_published))
    assert "the fit is dominated by single points (Pareto k̂ > 0.70): observations at" in text
    proposed = (
        r"Measuring \w+ in run (pump|switch-off) \(20 points, each ± 0.0[23]\) would tell more of Γ\w+ \[drive\+pump\]"
    )
    assert re.search(proposed, text)
    assert "polarization_decay_time (dark)" in text


def test_a_notebook_shows_the_page(tmp_path):
    path = write.ReportPath(tmp_path / "r.html")
    path.write_text('<p class="a">ξ</p>', encoding="utf-8")
    assert path == tmp_path / "r.html"
    assert 'srcdoc="&lt;p class=&quot;a&quot;&gt;ξ&lt;/p&gt;"' in path._repr_html_()


def test_report_of_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ExperimentError, match="found no such file"):
        inference.report(tmp_path / "none.nc", tmp_path / "r.html")


@pytest.mark.slow
def test_folder(fit_d55, tmp_path, capsys):
    fits = tmp_path / "runs"
    fits.mkdir()
    inference.save_fit(broken(fit_d55), fits / "bad <b>.nc")
    (fits / "noise.nc").write_bytes(b"nothing")
    (fits / "reports").mkdir()
    (fits / "reports" / "never.txt").write_text("could not be fitted: found no data\n")
    (fits / "reports" / "unwritten.txt").write_text("The tables of a fit for which the disk had no room.\n")
    page = tmp_path / "out" / "reports" / "bad <b>.html"
    page.parent.mkdir(parents=True)
    page.write_text('<meta name="generator" content="dissentangle 0.0">')  # of another version: made again
    assert main(["report", str(fits), "-o", str(tmp_path / "out"), "--cores", "1", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    index = (tmp_path / "out" / "index.html").read_text()
    assert "found no data" in index
    assert "unwritten" not in index
    assert index.index("noise") < index.index("bad &lt;b&gt;") < index.index("Do not use this fit.")
    for name in re.findall('href="(reports/[^"]*)"', index):
        assert (tmp_path / "out" / unquote(name)).is_file()
    assert [path.name for path in (tmp_path / "out" / "reports").iterdir()] == ["bad <b>.html"]
    assert generator() in page.read_text()
    assert "dissentangle 0.0" not in page.read_text()
    before = page.stat().st_mtime_ns
    assert main(["report", str(fits), "-o", str(tmp_path / "out"), "--cores", "1", "-q"]) == 0
    assert page.stat().st_mtime_ns == before  # an interrupted command goes on: what is there is kept
    assert main(["report", str(tmp_path / "out")]) == 2
    assert "found no fit, expected .nc files" in capsys.readouterr().err
    assert main(["report", str(fits / "noise.nc"), "-o", str(tmp_path / "r.pdf")]) == 2
    assert "output must end in .html" in capsys.readouterr().err
    assert not Path(tmp_path / "r.pdf").exists()


def test_texts_in_a_figure_stay_as_they_are():
    """What a page changes in the figures' own markup may stand in a name, too."""
    title = 'DejaVu Sans #0072b2 #1a1a1a id="b" url(#c) href="#d"'
    figure = Figure()
    figure.suptitle(title)
    svg = inline_svg(figure, "one", "")
    assert [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")] == [title]
    assert set(re.findall(r'\sid="(.*?)[-"]', re.sub("<text.*?</text>", "", svg))) == {"one"}


def test_names_are_no_mathematics():
    """What matplotlib could not read between two dollars ended the report."""
    from dataclasses import replace

    first = datasets.read("fig2b-d35")
    named = replace(first, series=(replace(first.series[0], name=r"$\frac$"), *first.series[1:]))
    page = fit_page(inference.fit(named, seed=seed(3), draws=50, tune=200))
    assert r"$\frac$" in re.findall("<text[^>]*>(.*?)</text>", page)
