"""The schema is that of what the reader takes: files that are read are valid by it, and its keys are the reader's."""

import re
import tomllib
from pathlib import Path

import fastjsonschema
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.bundled_files import BUNDLED
from dissentangle.datasets.formats import template
from tests.datasets.experiment.test_fields import whole

SCHEMA = datasets.experiment_schema()
VALID = fastjsonschema.compile(SCHEMA)
TEMPLATE = Path(template.__file__).with_name("template.toml").read_text(encoding="utf-8")


def uncommented(text):
    """The template with all that it shows in comments; of what excludes each other, one."""
    lines = [
        line for line in text.splitlines() if not re.match(r"# covariance|# time_offset|# offset_unc|# populat", line)
    ]
    return "\n".join(re.sub(r'^# (?=\[|"?[a-z_\d]+(\[hybrid\])?"? +=)', "", line) for line in lines)


@pytest.mark.parametrize("name", datasets.names())
def test_bundled_experiments_are_valid(name):
    VALID(tomllib.loads((BUNDLED / name / "experiment.toml").read_text(encoding="utf-8")))


def test_all_that_is_written_is_valid(tmp_path):
    datasets.save(whole(), tmp_path / "whole")
    table = tomllib.loads((tmp_path / "whole" / "experiment.toml").read_text(encoding="utf-8"))
    assert {"apparatus", "run", "stage", "series", "observation"} <= set(table)
    VALID(table)


def test_the_template_is_valid_with_its_comments_too(tmp_path):
    VALID(tomllib.loads(TEMPLATE))
    table = tomllib.loads(uncommented(TEMPLATE))
    assert {"prior", "run", "observation"} <= set(table)
    assert {row["kind"] for row in table["series"]} >= {"light_variance", "record"}
    VALID(table)


def test_init_points_editors_to_the_schema(tmp_path):
    datasets.write_template(tmp_path / "new")
    assert (tmp_path / "new" / "experiment.toml").read_text().startswith("#:schema ./experiment.schema.json\n")
    assert (tmp_path / "new" / "experiment.schema.json").read_bytes() == template.schema_file()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "xi.csv").write_text("time,value,sigma\n1,0.9,0.1\n")
    datasets.write_template(tmp_path / "old")
    assert (tmp_path / "old" / "xi.csv").read_text().endswith("1,0.9,0.1\n")  # tables that are there stay
    with pytest.raises(ExperimentError, match=r"experiment.toml: already exists; expected a folder without it"):
        datasets.write_template(tmp_path / "old")


@pytest.mark.parametrize(
    "wrong",
    [
        TEMPLATE.replace("simulated = false", 'simulated = "no"'),
        TEMPLATE.replace("scale_uncertainty =", "scale_uncertanty ="),
        TEMPLATE.replace('"20 ms"', "20"),
        TEMPLATE.replace('"20 ms"', '"20"'),
        TEMPLATE.replace('kind = "xi"', 'kind = "Xi"'),
        TEMPLATE.replace("drive = true", 'drive = "on"'),
        TEMPLATE.replace("squeezing_limit", "squeezing"),
        TEMPLATE.replace('title = "drive only"', ""),
    ],
)
def test_what_the_reader_refuses_is_not_valid(wrong, tmp_path):
    assert wrong != TEMPLATE
    with pytest.raises(fastjsonschema.JsonSchemaException):
        VALID(tomllib.loads(wrong))
    (tmp_path / "experiment.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ExperimentError):
        datasets.read(tmp_path)


def keys_of(*path):
    place = SCHEMA
    for step in path:
        place = place[step]
    return set(place["properties"])


@pytest.mark.parametrize(
    ("where", "table", "known"),
    [
        ("", "nothing = 1\n{}", keys_of()),
        ("stage 1", '{}[[stage]]\nnothing = 1\nduration = "1 ms"\n', keys_of("properties", "stage", "items")),
        ("run 1", '{}[[run]]\nname = "main"\nnothing = 1\n', keys_of("properties", "run", "items")),
        ("series 1", '{}[[series]]\nkind = "xi"\nnothing = 1\n', keys_of("properties", "series", "items", "anyOf", 0)),
        ("series 1", '{}[[series]]\nkind = "record"\nnothing = 1\n',
         keys_of("properties", "series", "items", "anyOf", 1)),
        ("observation 1", "{}[[observation]]\nnothing = 1\n", keys_of("properties", "observation", "items")),
        ("truth", "{}[truth]\nnothing = 1\n", keys_of("properties", "truth")),
        ("apparatus: optical_depth", "{}[apparatus]\noptical_depth = {{ nothing = 1 }}\n", {"value", "sigma"}),
    ],
)  # fmt: skip
def test_the_keys_are_those_of_the_reader(where, table, known, tmp_path):
    (tmp_path / "experiment.toml").write_text(table.format('format_version = 1\ntitle = "t"\nsimulated = true\n'))
    with pytest.raises(ExperimentError) as found:
        datasets.read(tmp_path)
    place = f": {where}: key 'nothing'" if where else ": key 'nothing'"
    text = next(line for line in str(found.value).splitlines() if place in line)
    assert set(text.partition("expected one of ")[2].split(", ")) == known


def test_what_an_editor_shows():
    depth = SCHEMA["properties"]["apparatus"]["properties"]["faraday_angle"]
    assert depth["description"] == "Θ: Faraday rotation angle, ∝ Jx, deg"
    series = SCHEMA["properties"]["series"]["items"]["anyOf"][0]["properties"]
    assert series["scale_uncertainty"]["description"].startswith("standard deviation of an error of the scale")
    assert series["scale_uncertainty"]["default"] == 0.0
    assert set(series["kind"]["enum"]) >= {"xi", "quadratures"}


def described(schema):
    """Properties by name with their descriptions; those of tables and lists of tables, too."""
    for name, about in schema.get("properties", {}).items():
        if "properties" not in about and "items" not in about:
            yield name, about.get("description", "")
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), schema.get("items", {})]
    for one in inner:
        if isinstance(one, dict) and {"properties", "items", "anyOf"} & set(one):
            yield from described(one)


def test_descriptions_are_for_users():
    found = list(described(SCHEMA))
    assert {"kind", "quantity", "noise", "duration", "optical_depth"} <= {name for name, _ in found}
    for name, text in found:
        assert not re.search(r"`|\b[A-Z]{3,}_?[A-Z]+\b|\bFalse\b|\bTrue\b|see ", text), (name, text)
    silent = {name for name, text in found if not text}
    assert silent <= {"format_version", "value", "sigma", "file", "closure", "seed", "parameters"}, silent
