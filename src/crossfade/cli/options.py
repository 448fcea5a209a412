"""The options and arguments that several commands of the command line have."""

from __future__ import annotations

from typing import Annotated

import typer

AppOption = Annotated[
    str,
    typer.Option(
        "--app",
        metavar="MODULE:NAME",
        help="The FastAPI application on which mount_legacy was called, "
        "or what makes it: 'gateway:create_app()'.",
    ),
]

RouteArgument = Annotated[
    str, typer.Argument(help="The route, in Flask's spelling or FastAPI's: 'GET /users/{id}'.")
]

UrlOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Ask the workers of a running server, by the URL of its status page: "
        "http://127.0.0.1:8000/_crossfade.",
    ),
]

TokenOption = Annotated[
    str | None,
    typer.Option(
        metavar="env:NAME", help="The environment variable with the status_token, for --url."
    ),
]

HeaderOption = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="'NAME: VALUE'", help="Send a header with these requests."),
]
