"""Hessian, frequencies, thermochemistry."""
