"""One request's way through Flask, split where the view would have been.

What stands here follows `Flask.wsgi_app` and `Flask.full_dispatch_request` line by line, by methods
that Flask makes public. All of it runs in the request's own `contextvars.Context`, on any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask, request_started
from flask.ctx import RequestContext
from werkzeug.exceptions import NotFound

from crossfade.errors import CrossfadeError
from crossfade.native.exceptions import headers_of
from crossfade.native.request.flask_input import FlaskInput
from crossfade.native.wsgi_response import Answer
from crossfade.wording import escaped

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask.typing import ResponseReturnValue


class FlaskSide:
    """What Flask does with one request, before and after the native handler.

    Args:
        app: the Flask application.
        environ: the request, as it reaches Flask.
        endpoint: Flask's name of the view that the handler stands for; None where Flask has none.
        body: what is behind the environ's `wsgi.input`; None where there is no body.

    Attributes:
        error: what `teardown_request` is told; None where all went well or was handled.
        values: those of the URL as the view would have got them, by Flask's names.
        changed: the names of those that a `url_value_preprocessor` changed.
    """

    __slots__ = ("_app", "_body", "_context", "_endpoint", "_environ", "changed", "error", "values")

    def __init__(
        self,
        app: Flask,
        environ: WSGIEnvironment,
        endpoint: str | None,
        body: FlaskInput | None = None,
    ) -> None:
        self._app = app
        self._body = body
        self._environ = environ
        self._endpoint = endpoint
        self._context: RequestContext | None = None
        self.error: BaseException | None = None
        self.values: dict[str, Any] = {}
        self.changed: set[str] = set()

    def enter(self) -> Answer | None:
        """Run what comes before the view.

        Returns:
            Flask's answer where a hook ended the request; everything is torn down then.
            None where it is the view's turn.
        """
        app = self._app
        try:
            context = self._context = app.request_context(self._environ)
            if self._body is not None:
                self._body.read_by(context.request)
            try:
                context.push()
                if self._endpoint is None:
                    _forget_match(context)
                try:
                    request_started.send(app, _async_wrapper=app.ensure_sync)
                    matched = dict(context.request.view_args or ())
                    result = app.preprocess_request()
                    if result is None:
                        self._check_match(context)
                        self._note_changes(matched, context.request.view_args or {})
                        if self._body is not None:
                            self._body.begin_anew()
                        return None
                except Exception as error:  # noqa: BLE001 - Flask decides what becomes of it
                    result = app.handle_user_exception(error)
                response = app.finalize_request(result)
            except Exception as error:  # noqa: BLE001
                self.error = error
                response = app.handle_exception(error)
            answer = Answer(response, self._environ)
        except BaseException as error:
            self.error = self.error or error
            self.leave()
            raise
        self.leave()
        if answer.body is not None:
            answer.close()
        return answer

    def finish(self, view: Callable[[], ResponseReturnValue]) -> Answer:
        """Run what comes after the view, but for the teardown.

        Args:
            view: returns what the native handler returned, or raises what it raised.
        """
        app = self._app
        try:
            try:
                result = view()
            except Exception as error:  # noqa: BLE001 - Flask decides what becomes of it
                result = self._with_headers(error, app.handle_user_exception(error))
            response = app.finalize_request(result)
        except Exception as error:  # noqa: BLE001
            self.error = error
            response = app.handle_exception(error)
        return Answer(response, self._environ)

    def leave(self) -> None:
        """Tear down the request's and the application's context."""
        context, self._context = self._context, None
        error = self.error
        if error is not None and self._app.should_ignore_error(error):
            error = None
        if context is not None:
            context.pop(error)

    def _with_headers(self, error: Exception, result: Any) -> Any:
        """Add headers that the handler asked for, where an error handler left them out."""
        headers = headers_of(error)
        if headers:
            result = self._app.make_response(result)
            for name, value in headers.items():
                result.headers.setdefault(name, value)
        return result

    def _note_changes(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        self.values = after
        self.changed = {
            name for name, value in after.items() if name not in before or before[name] is not value
        }

    def _check_match(self, context: RequestContext) -> None:
        """Never let a handler stand for a view that Flask would not have called."""
        if self._endpoint is None:
            return
        request = context.request
        if request.routing_exception is not None:
            self._app.raise_routing_exception(request)
        if request.endpoint != self._endpoint:
            path = escaped(request.path)
            raise CrossfadeError(
                f"the native handler stands for {self._endpoint!r}, but Flask's URL map gives "
                f"{request.method} {path} to {request.endpoint!r}; so nobody answered"
            )


def _forget_match(context: RequestContext) -> None:
    """Make a URL of FastAPI's alone one that Flask doesn't know.

    A catch-all of Flask's may match it, and a hook that goes by `request.endpoint` would take the
    handler for that view. Flask matches again when the context, or a copy of it for another thread,
    is pushed again.
    """
    request = context.request
    request.url_rule = None
    request.view_args = None
    if request.routing_exception is None:
        request.routing_exception = NotFound()
    copy_context = context.copy

    def copy() -> RequestContext:
        copied = copy_context()
        copied.match_request = _match_nothing  # type: ignore[method-assign]
        return copied

    context.match_request = _match_nothing  # type: ignore[method-assign]
    context.copy = copy  # type: ignore[method-assign]


def _match_nothing() -> None:
    """Stand for `match_request` of a context whose request has been matched."""
