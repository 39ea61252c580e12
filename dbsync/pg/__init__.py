"""Postgres primitives: the only place that imports psycopg."""
