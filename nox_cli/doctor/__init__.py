"""The checks of `nox doctor`: one module for each part of the installation, one function a check."""
