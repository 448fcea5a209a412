"""One API document: `/openapi.json`, `/docs` and `/redoc` cover both sides from the first day."""

from crossfade.apidoc.document import MARK, ApiDocument, install_document

__all__ = ["MARK", "ApiDocument", "install_document"]
