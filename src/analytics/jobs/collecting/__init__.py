"""Jobs that bring data in: rounds, imports, webhooks, sign-in, budgets."""
