"""Every JSON route, closed during maintenance."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from new_fastapi.dependencies import refuse_during_maintenance
from new_fastapi.routers import (
    auth,
    basket,
    club,
    dashboard,
    fans,
    fees,
    guestbook,
    hello,
    mail,
    matches,
    quotes,
    referees,
    shop,
    todos,
    tokens,
    users,
    venues,
)

router = APIRouter(dependencies=[Depends(refuse_during_maintenance)])
router.include_router(hello.router)
router.include_router(users.router)
router.include_router(club.router)
router.include_router(todos.router)
router.include_router(auth.router)
router.include_router(guestbook.api)
router.include_router(dashboard.router)
router.include_router(fans.router)
router.include_router(tokens.router)
router.include_router(matches.router)
router.include_router(shop.router, prefix="/shop")
router.include_router(mail.router)
router.include_router(basket.router)
router.include_router(quotes.router)
router.include_router(venues.router)
router.include_router(referees.router)
router.include_router(fees.router)
