from fastapi import APIRouter

PREFIX = "/pages"
router = APIRouter(prefix=PREFIX)


@router.websocket("/live")  # want websocket WEBSOCKET /p/pages/live | websocket WEBSOCKET /q/pages/live
async def live(ws):
    ...
