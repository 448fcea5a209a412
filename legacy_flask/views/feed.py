"""A live feed of server-sent events."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from flask import Blueprint, Response, current_app, json, request

blueprint = Blueprint("feed", __name__)


@blueprint.get("/events")
def events() -> Response:
    """Send `?count=` events, one each `FEED_INTERVAL` seconds; 0 never ends."""
    count = request.args.get("count", current_app.config["FEED_EVENTS"], type=int)
    interval = current_app.config["FEED_INTERVAL"]

    def stream() -> Iterator[str]:
        for number in itertools.count(1) if count == 0 else range(1, count + 1):
            if number > 1:
                time.sleep(interval)
            data = json.dumps({"minute": number, "score": f"{number // 30}:{number // 45}"})
            yield f"id: {number}\nevent: score\ndata: {data}\n\n"

    return Response(stream(), mimetype="text/event-stream", headers={"Cache-Control": "no-cache"})
