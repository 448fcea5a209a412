"""The dashboard, which waits for two slow services, one after the other."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from legacy_flask.services import fetch_news, fetch_scores

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/dashboard")
def dashboard() -> Response:
    """Return scores and news: 1 s, then another 0.5 s, by default."""
    scores = fetch_scores(current_app.config["DASHBOARD_SCORES_DELAY"])
    news = fetch_news(current_app.config["DASHBOARD_NEWS_DELAY"])
    return jsonify(scores=scores, news=news)
