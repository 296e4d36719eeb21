"""Reports: documents, running their notebooks, publishing them; one folder a report."""
