"""Running a report notebook: kernel, declared parameters, papermill."""
