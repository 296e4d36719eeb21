"""What a report is made of: blocks, tables, charts, theme. Knows no platform and no period."""
