"""The shapes that the frontend knows, as Pydantic models: the only place where its words and its states live.

Fields are named as in the rest of dbsync; on the wire they are in camel case. What the frontend sends beyond them is
accepted and ignored. A field that was not set is not sent.
"""
