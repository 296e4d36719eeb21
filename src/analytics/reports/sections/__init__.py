"""Sections and sentences that several reports use."""
