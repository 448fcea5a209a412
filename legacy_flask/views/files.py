"""Files in and out: an upload, a download with ranges, an export that streams."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    request,
    send_from_directory,
    stream_with_context,
)
from sqlalchemy import select
from werkzeug.utils import secure_filename

from legacy_flask.extensions import db
from legacy_flask.models import User

DOWNLOADS = Path(__file__).parent.parent / "downloads"

blueprint = Blueprint("files", __name__)


@blueprint.post("/uploads")
def upload() -> tuple[Response, int]:
    """Keep the form's `file`; return its name, its size in bytes and its SHA-256."""
    sent = request.files.get("file")
    name = secure_filename(sent.filename or "") if sent else ""
    if sent is None or not name:
        abort(400, description="A file is required")
    folder = Path(current_app.config["UPLOAD_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    content = sent.read()
    (folder / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    file = {"name": name, "size": len(content), "sha256": digest, "type": sent.mimetype}
    return jsonify(status="created", file=file), 201


@blueprint.get("/downloads/<path:name>")
def download(name: str) -> Response:
    """Send a file of the club's: whole, in ranges, or 304 when the client has it already."""
    return send_from_directory(DOWNLOADS, name)


@blueprint.get("/export/users.csv")
def export_users() -> Response:
    """Stream every user as CSV, a row at a time."""

    def rows() -> Iterator[str]:
        yield csv_row("id", "name", "email", "age")
        query = select(User).order_by(User.id).execution_options(yield_per=100)
        for user in db.session.scalars(query):
            yield csv_row(user.id, user.name, user.email, user.age)

    return Response(
        stream_with_context(rows()),
        mimetype="text/csv",
        headers={"Content-Disposition": "attachment; filename=users.csv"},
    )


def csv_row(*cells: object) -> str:
    """Return one line of CSV, quoted where it must be."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
