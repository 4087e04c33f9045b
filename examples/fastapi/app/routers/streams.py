"""What flows: server-sent events, downloads, an echo and a WebSocket."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

from fastapi import APIRouter, Query, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

router = APIRouter(tags=["streams"])

BLOCK = bytes(i * 7 % 256 for i in range(64 * 1024))


@router.get("/events", response_class=StreamingResponse)
async def events(
    count: int = Query(20, ge=0, le=10_000),
    interval_ms: int = Query(50, ge=0, le=60_000),
) -> StreamingResponse:
    """Count up, one event every interval_ms, then end."""

    async def stream() -> AsyncIterator[str]:
        for n in range(1, count + 1):
            if n > 1:
                await asyncio.sleep(interval_ms / 1000)
            yield f'id: {n}\nevent: tick\ndata: {{"n": {n}}}\n\n'

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


@router.get("/download", response_class=StreamingResponse)
def download(size: int = Query(1024 * 1024, alias="bytes", ge=0, le=1 << 30)) -> StreamingResponse:
    """Send so many bytes, in chunks, without saying before how many."""

    def stream() -> Iterator[bytes]:
        left = size
        while left > 0:
            yield BLOCK[:left]
            left -= len(BLOCK)

    return StreamingResponse(
        stream(),
        media_type="application/octet-stream",
        headers={"Content-Disposition": 'attachment; filename="download.bin"'},
    )


@router.post("/digest")
async def digest(request: Request) -> dict:
    """Read a body of any size as it comes in."""
    sha256, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        sha256.update(chunk)
        size += len(chunk)
    return {"size": size, "sha256": sha256.hexdigest()}


@router.post("/echo")
async def echo(request: Request) -> Response:
    """Send the body back."""
    return Response(await request.body(), media_type=request.headers.get("content-type", "application/octet-stream"))


@router.websocket("/ws")
async def websocket(ws: WebSocket) -> None:
    """Send every message back, text as text and bytes as bytes, until "bye"."""
    await ws.accept(subprotocol=next(iter(ws.scope.get("subprotocols") or []), None))
    try:
        while True:
            message = await ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (data := message.get("bytes")) is not None:
                await ws.send_bytes(data)
            elif message["text"] == "bye":
                await ws.close(1000)
                return
            else:
                await ws.send_text(message["text"])
    except WebSocketDisconnect:
        return
