"""Geometry optimisation."""
