"""The HTTP API: routes call what commands call, and write what commands write as JSON.

It is a front end of its own, above the renderers; only `nox serve` loads it, and with it FastAPI and uvicorn.
"""
