"""The HTTP face of the same services: what an existing frontend calls, and a page to watch.

``launch`` starts it, ``app.create_app`` builds it. Nothing outside this package imports a web framework.
"""
