"""The guestbook: a page with a form, and the same for scripts on the page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response
from flask import redirect, url_for
from sqlalchemy import select

from crossfade.compat import Flash, FlaskResponse, form_body, render_template
from legacy_flask.models import GuestbookEntry
from new_fastapi.compat.errors import answer_with_pages
from new_fastapi.compat.openapi import json_body
from new_fastapi.csrf import check_csrf
from new_fastapi.dependencies import Session, body, refuse_during_maintenance
from new_fastapi.forms import Form, GuestbookForm, Submitted, empty, filled
from new_fastapi.schemas import EntryCreated, Error, NewEntry

pages = APIRouter(
    tags=["guestbook"],
    default_response_class=HTMLResponse,
    dependencies=[Depends(answer_with_pages), Depends(refuse_during_maintenance)],
)
api = APIRouter(tags=["guestbook"])


async def page(session: Session, form: Form[GuestbookForm]) -> HTMLResponse:
    """Render the entries and the form with Flask's template, in Flask's environment."""
    entries = await session.scalars(select(GuestbookEntry).order_by(GuestbookEntry.id))
    return render_template("guestbook.html", form=form.fields, entries=entries.all())


@pages.get("/guestbook", name="guestbook.guestbook")
async def guestbook(session: Session) -> HTMLResponse:
    """Show the entries and the form."""
    return await page(session, empty(GuestbookForm))


@pages.post("/guestbook", openapi_extra=form_body(csrf_token=str, author=str, message=str))
async def sign(submitted: Submitted, session: Session, flash: Flash) -> Response:
    """Add what was filled in. CSRFProtect has checked the token: its hook is borrowed."""
    form = filled(GuestbookForm, submitted)
    if form.value is None:
        return await page(session, form)
    session.add(GuestbookEntry(**form.value.model_dump()))
    await session.commit()
    flash(f"Thank you, {form.value.author}!", "success")
    return FlaskResponse(redirect(url_for("guestbook.guestbook")))


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
