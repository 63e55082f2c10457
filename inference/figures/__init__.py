"""Figures of a fit: series with bands, those of the paper, the standard ones of ArviZ."""
