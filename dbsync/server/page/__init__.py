"""The page at ``/ui``: HTML over the same services as the API, for people who want to look and click.

No build step, no inline script or style; everything that is printed is escaped. It works without JavaScript, except
that progress then needs a reload.
"""
