"""Errors in the shape that the Flask application gives them."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from legacy_flask.config import CORS_RESOURCES
from new_fastapi.compat.cors import add_cors_headers
from new_fastapi.compat.headers import CLUB_HEADERS
from new_fastapi.compat.responses import FlaskJSONResponse
from new_fastapi.compat.templates import templates

INTERNAL_SERVER_ERROR = (
    "The server encountered an internal error and was unable to complete your request. Either the"
    " server is overloaded or there is an error in the application."
)
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check"
    " your spelling and try again."
)


def install_error_handlers(app: FastAPI) -> None:
    """Make `app` answer every error as Flask did."""
    app.exception_handler(HTTPException)(http_error)
    app.exception_handler(RequestValidationError)(no_such_path)
    app.exception_handler(Exception)(unexpected_error)


def answer_with_pages(request: Request) -> None:
    """Answer the errors of this request with a page: a dependency of the routes for people."""
    request.state.errors_as_pages = True


async def http_error(request: Request, error: HTTPException) -> Response:
    """Render what a handler or a dependency raised."""
    response = render(request, error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def no_such_path(request: Request, _error: RequestValidationError) -> Response:
    """Render a path parameter of the wrong type as Flask's converters do: such a URL is not there.

    Nothing else is left to FastAPI's validation.
    """
    return render(request, 404, NOT_FOUND)


async def unexpected_error(request: Request, _error: Exception) -> Response:
    """Render a bug. Starlette answers it outside all middleware, so it needs the headers here."""
    response = render(request, 500, INTERNAL_SERVER_ERROR)
    response.headers.update(CLUB_HEADERS)
    add_cors_headers(response.headers, request.scope, CORS_RESOURCES)
    return response


def render(request: Request, status: int, description: str) -> Response:
    """Return `{"error": description}`, or the error page."""
    if not getattr(request.state, "errors_as_pages", False):
        return FlaskJSONResponse({"error": description}, status)
    error = {"code": status, "name": HTTPStatus(status).phrase, "description": description}
    return templates.TemplateResponse(request, "error.html", {"error": error}, status)
