"""What to collect, watch and publish: YAML below `params/`, checked when it is read."""
