"""A Django project in a file: what `mount_legacy` serves need not be Flask.

gunicorn tests.bridge.django_app:legacy      what to be equal to
uvicorn tests.bridge.django_app:gateway      the same behind `mount_legacy`
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path, re_path, reverse
from django.views.decorators.csrf import csrf_exempt
from fastapi import FastAPI

from crossfade import mount_legacy

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for tests",
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    SESSION_COOKIE_NAME="visits",
    DATA_UPLOAD_MAX_MEMORY_SIZE=1_000_000,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    USE_X_FORWARDED_HOST=True,
)


@csrf_exempt  # type: ignore[untyped-decorator]
def echo(request: HttpRequest, **values: object) -> HttpResponse:
    """What Django understood."""
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "info": request.path_info,
            "full": request.get_full_path(),
            "host": request.get_host(),
            "values": {name: str(value) for name, value in values.items()},
            "query": dict(request.GET.lists()),
            "form": dict(request.POST.lists()),
            "files": {
                name: [each.name, each.content_type, each.size]
                for name, each in request.FILES.items()
            },
            "cookies": request.COOKIES,
            "headers": {
                name: value
                for name, value in request.headers.items()
                if name not in ("Host", "Connection")
            },
            "reversed": reverse("item", args=(7,)),
        }
    )


@csrf_exempt  # type: ignore[untyped-decorator]
def upload(request: HttpRequest) -> HttpResponse:
    """Read the body piece by piece."""
    digest, size = hashlib.sha256(), 0
    while piece := request.read(4096):
        digest.update(piece)
        size += len(piece)
    return JsonResponse({"size": size, "sha256": digest.hexdigest()})


def visit(request: HttpRequest) -> HttpResponse:
    """Count in the session, which is read as far as it goes."""
    seen = request.session.get("seen", 0)
    response = JsonResponse({"seen": seen})
    response.set_cookie("plain", "a b", max_age=60, httponly=True, samesite="Strict")
    return response


def stream(request: HttpRequest) -> HttpResponseBase:
    """Some pieces."""

    def pieces() -> Iterator[bytes]:
        for number in range(5):
            yield b"piece %d\n" % number

    return StreamingHttpResponse(pieces(), content_type="text/plain")


def download(request: HttpRequest) -> HttpResponseBase:
    """A file, by the server's `wsgi.file_wrapper` where it has one."""
    return FileResponse(Path(__file__).open("rb"), as_attachment=True, filename="zoë.py")


def page(request: HttpRequest) -> HttpResponse:
    """A page."""
    return HttpResponse("<p>A page.</p>\n" * 200)


def fail(request: HttpRequest) -> HttpResponse:
    """An exception in a view."""
    raise RuntimeError("in a Django view")


async def wait(request: HttpRequest) -> HttpResponse:
    """An async view under WSGI runs in a loop of its own."""
    return JsonResponse({"async": True})


urlpatterns = [
    path("echo/", echo),
    path("items/<int:item>/", echo, name="item"),
    re_path(r"^raw/(?P<rest>.*)$", echo),
    path("upload", upload),
    path("visit", visit),
    path("stream", stream),
    path("download", download),
    path("page", page),
    path("form", page),
    path("fail", fail),
    path("async", wait),
]

django.setup()
legacy = WSGIHandler()


def _gateway() -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get("/native")
    async def native() -> str:
        return "native"

    folder = Path(tempfile.mkdtemp(prefix="crossfade-"))
    (folder / "map.toml").write_text('[routes]\n"GET /native" = "native"\n')
    mount_legacy(app, legacy, migration_map=folder / "map.toml")
    return app


gateway = _gateway()
