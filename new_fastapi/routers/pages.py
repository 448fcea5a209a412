"""Pages for people: their errors are pages too."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from new_fastapi.compat.errors import answer_with_pages
from new_fastapi.compat.templates import templates
from new_fastapi.dependencies import refuse_during_maintenance
from new_fastapi.routers.club import FoundPlayer

# In this order: the error of the second is shown as the first says.
router = APIRouter(
    tags=["pages"],
    default_response_class=HTMLResponse,
    dependencies=[Depends(answer_with_pages), Depends(refuse_during_maintenance)],
)


# Named as in Flask, so that `url_for` in templates finds it once Flask is gone.
@router.get("/players/{player_id}/page", name="pages.player_page")
async def player_page(player_id: int, player: FoundPlayer, request: Request) -> Response:
    """Show one player with their jersey."""
    if player is None:
        raise HTTPException(404, f"There is no player number {player_id} here.")
    return templates.TemplateResponse(request, "player.html", {"player": player})
