"""Γ̃ in pages: most fonts set the tilde beside the letter or upon its bar, MathML above it."""

import re

TILDE = "Γ\u0303"
MATHML = "<math><mover accent='true'><mi mathvariant='normal'>Γ</mi><mo stretchy='false'>˜</mo></mover></math>"
TAG = re.compile(r"(<[^>]*>)")


def in_mathml(app, page, template, context, doctree):
    """In the texts of a page, not in attributes of its tags."""
    if TILDE in context.get("body", ""):
        parts = TAG.split(context["body"])
        context["body"] = "".join(part if k % 2 else part.replace(TILDE, MATHML) for k, part in enumerate(parts))


def setup(app):
    """For Sphinx."""
    app.connect("html-page-context", in_mathml)
    return {"parallel_read_safe": True}
