from fastapi import APIRouter

from ..settings import prefix

router = APIRouter(prefix=prefix())


@router.websocket("/mail")  # want websocket WEBSOCKET /mail end
async def live(ws):
    ...
