"""The few habits of Flask that clients rely on, for FastAPI's endpoints.

Nothing here imports Flask: these modules stay when Flask is gone, as long as clients do.
"""
