"""What a database is made of: shown, printed as SQL, compared."""
