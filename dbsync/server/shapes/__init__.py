"""From what services answer to what the frontend reads; one module for each kind of answer."""
