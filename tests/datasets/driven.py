"""The beginning of an experiment.toml of one driven stage, up to its series."""

DRIVEN = """\
format_version = 1
title = "t"
simulated = true
[[stage]]
duration = "20 ms"
drive = true
[[series]]
"""
