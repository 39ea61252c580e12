"""``python -m dbsync``."""

from dbsync.cli.main import main

main()
