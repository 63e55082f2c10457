"""The site: `python -m sphinx -W -n -b html docs site`, without a network; it runs all notebooks and commands."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "build_site"))
os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
os.environ["DISSENTANGLE_DOCS"] = str(HERE)
os.environ["COLUMNS"] = "100"

import reference  # noqa: E402

from dissentangle.inference import __version__  # noqa: E402

project = "dissentangle"
author = "the dissentangle contributors"
release = version = __version__
copyright = "the dissentangle contributors, MIT licence"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.doctest", "sphinx_design", "terminal", "tilde"]
exclude_patterns = ["build_site", "generated/campaign", "**/*.ipynb"]
nitpicky = True
smartquotes = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_merge_streams = True
nb_ipywidgets_js = {}

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
add_module_names = False
toc_object_entries = False

html_theme = "pydata_sphinx_theme"
html_title = "dissentangle"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {
    "logo": {"text": "dissentangle"},
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "generated/gallery": []}


def setup(app):
    """Pages and pictures that are made from the code come before Sphinx looks for pages."""
    import gallery

    reference.write(HERE / "generated")
    gallery.write(HERE / "generated")
    app.connect("autodoc-process-docstring", reference.as_restructured_text)
