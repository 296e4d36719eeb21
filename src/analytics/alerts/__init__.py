"""Telling people: found events kept and grouped into incidents, rules from params, delivery once each, history."""
