"""The guestbook: a page with a form, and the same for scripts on the page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from crossfade.compat import form_body
from legacy_flask.models import GuestbookEntry
from new_fastapi.compat.errors import answer_with_pages
from new_fastapi.compat.openapi import json_body
from new_fastapi.compat.responses import redirect
from new_fastapi.compat.templates import path_for, templates
from new_fastapi.csrf import check_csrf
from new_fastapi.dependencies import Session, body, refuse_during_maintenance
from new_fastapi.forms import Form, GuestbookForm, Submitted, empty, filled
from new_fastapi.schemas import EntryCreated, Error, NewEntry
from new_fastapi.sessions import BrowserSession, flash

pages = APIRouter(
    tags=["guestbook"],
    default_response_class=HTMLResponse,
    dependencies=[Depends(answer_with_pages), Depends(refuse_during_maintenance)],
)
api = APIRouter(tags=["guestbook"])


async def page(request: Request, session: Session, form: Form[GuestbookForm]) -> Response:
    """Render the entries and the form with Flask's template."""
    entries = await session.scalars(select(GuestbookEntry).order_by(GuestbookEntry.id))
    context = {"form": form.fields, "entries": entries.all()}
    return templates.TemplateResponse(request, "guestbook.html", context)


@pages.get("/guestbook", name="guestbook.guestbook")
async def guestbook(request: Request, session: Session) -> Response:
    """Show the entries and the form."""
    return await page(request, session, empty(GuestbookForm))


@pages.post(
    "/guestbook",
    dependencies=[Depends(check_csrf)],
    openapi_extra=form_body(csrf_token=str, author=str, message=str),
)
async def sign(
    request: Request, submitted: Submitted, session: Session, browser: BrowserSession
) -> Response:
    """Add what was filled in, or say what is wrong with it."""
    form = filled(GuestbookForm, submitted)
    if form.value is None:
        return await page(request, session, form)
    session.add(GuestbookEntry(**form.value.model_dump()))
    await session.commit()
    flash(browser, f"Thank you, {form.value.author}!", "success")
    return redirect(path_for(request, "guestbook.guestbook"))


@api.post(
    "/guestbook/entries",
    status_code=201,
    response_model=EntryCreated,
    responses={code: {"model": Error} for code in (400, 413, 415)},
    dependencies=[Depends(check_csrf)],
    openapi_extra=json_body(NewEntry),
)
async def create_entry(
    new: Annotated[NewEntry, Depends(body(NewEntry))], session: Session
) -> object:
    """Add an entry that a script sends as JSON, with the token in `X-CSRFToken`."""
    entry = GuestbookEntry(**new.model_dump())
    session.add(entry)
    await session.commit()
    return {"entry": entry}
