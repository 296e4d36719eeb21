"""Jobs that judge the newest readings and tell people: detection, levels, alerts, health."""
