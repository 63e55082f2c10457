"""The version of the package, looked up when it is first asked for."""

from importlib.metadata import version

__version__ = version("dissentangle")
