"""Plots of jobs: convergence of optimisations, infrared spectra, energies of conformers."""
