"""Side by side with psql, pg_dump | pg_restore and pgcopydb: ``make bench``, or ``python -m benchmarks --help``.

``stopwatch`` times whole processes, ``servers`` has the two servers, ``tables`` what is copied, ``cases`` who copies
it, ``report`` the arithmetic and the page. Engines take turns, the order reversed each round; a ratio is the median
of the rounds' ratios, so that what slows the machine for a while slows both sides of it.
"""
