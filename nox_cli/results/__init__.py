"""Results: documents, rows, columns, comparison, thermochemistry, artifacts, citations."""
