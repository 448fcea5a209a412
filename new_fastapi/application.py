"""Put the application together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from legacy_flask.config import CORS_RESOURCES
from new_fastapi.backoffice import mount_backoffice
from new_fastapi.compat.cors import FlaskCORS
from new_fastapi.compat.errors import install_error_handlers
from new_fastapi.compat.headers import FlaskHeaders
from new_fastapi.compat.responses import FlaskJSONResponse
from new_fastapi.database import Database
from new_fastapi.limits import RateLimitHeaders
from new_fastapi.routers import api, guestbook, members, pages
from new_fastapi.sessions import FlaskCookieSession
from new_fastapi.settings import Settings
from new_fastapi.tokens import TokenRefused, token_refused


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application; without `settings` it reads the environment when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.settings = settings or Settings.load()
        app.state.database = Database(app.state.settings)
        backoffice.configure(bind=app.state.database.engine)
        try:
            yield
        finally:
            await app.state.database.close()

    app = FastAPI(
        title="The club",
        lifespan=lifespan,
        default_response_class=FlaskJSONResponse,
        # Flask's URL map decides about slashes while it serves the rest.
        redirect_slashes=False,
    )
    app.add_middleware(FlaskCookieSession)
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(FlaskCORS, resources=CORS_RESOURCES)
    app.add_middleware(FlaskHeaders)
    install_error_handlers(app)
    app.add_exception_handler(TokenRefused, token_refused)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.include_router(members.router)
    app.include_router(guestbook.pages)
    backoffice = mount_backoffice(app)
    return app
