"""From an executed notebook to finished files; registered with nbconvert as `analytics-html` and `analytics-pdf`."""
