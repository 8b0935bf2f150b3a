"""Views of `nox top`: parts of the program that fill the screen between the lines above and below."""
