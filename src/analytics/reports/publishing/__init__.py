"""Finished reports: the site with every version, its gallery, the mail."""
