"""For members only: Flask-Login's decorators as dependencies."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from crossfade.compat import FreshlyLoggedIn, allowed, render_template
from legacy_flask.login import Member
from legacy_flask.models import User
from legacy_flask.views.members import amount
from new_fastapi.compat.errors import answer_with_pages
from new_fastapi.compat.templates import templates
from new_fastapi.dependencies import Session, refuse_during_maintenance
from new_fastapi.login import TheVisitor, log_in_first
from new_fastapi.sessions import BrowserSession

router = APIRouter(
    prefix="/members",
    tags=["members"],
    default_response_class=HTMLResponse,
    dependencies=[Depends(answer_with_pages), Depends(refuse_during_maintenance)],
)


def is_treasurer(member: Member) -> bool:
    """Whether a member keeps the club's money."""
    return member.is_treasurer


@router.get("/dues", dependencies=[allowed(is_treasurer, "Only the treasurer may see this.")])
async def dues(session: Session) -> HTMLResponse:
    """Show what every member owes a year: to the treasurer."""
    members = await session.scalars(select(User).order_by(User.id))
    return render_template("dues.html", dues=[(member, amount(member)) for member in members])


@router.get("/locker")
async def locker(request: Request, session: BrowserSession, visitor: TheVisitor) -> Response:
    """Show which locker is whose. This one needs no Flask any more."""
    if visitor.user is None:
        return log_in_first(request, session)
    return templates.TemplateResponse(request, "locker.html", {"member": visitor.user})


@router.get("/card")
async def card(member: FreshlyLoggedIn) -> HTMLResponse:
    """Show the card that opens the clubhouse: to who has just typed their password."""
    return render_template("card.html", member=member.user)
