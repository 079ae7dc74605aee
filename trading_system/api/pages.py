"""The pages for people, and the files they load: all from here, nothing from the internet."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Response
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FILES = frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _MEDIA_TYPES)

PLOTLY_URL = f"/static/plotly-{version('plotly')}.min.js"
CHART_URL, STYLE_URL, ICON_URL = "/static/chart.js", "/static/style.css", "/static/icon.svg"

PAGE_HEADERS: Mapping[str, str] = {
    # No foreign scripts, no inline scripts, and no frame of another page around ours: a click on
    # something else must not be a click on an order. Plotly writes styles and data: images.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@router.get("/")
async def home() -> HTMLResponse:
    """What there is, and how it is."""
    return _page("home.html")


@router.get("/live")
async def live() -> HTMLResponse:
    """Prices, orders and the venue as they change."""
    return _page("live.html")


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The OpenAPI document for people, with a way to try each call."""
    return _page("docs.html")


@router.get("/static/{name}")
async def static_file(name: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
    """One of our own files, or plotly.js under the name of its version."""
    if name == PLOTLY_URL.rpartition("/")[2]:
        return await _plotly(gzipped="gzip" in accept_encoding)
    if name not in _FILES:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    path = _FOLDER / name
    headers = {"Cache-Control": "no-cache"}
    return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=headers)


async def _plotly(*, gzipped: bool) -> Response:
    # The name holds the version, so that what a browser once has, it never asks for again.
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if not gzipped:
        return FileResponse(_plotly_file(), media_type="text/javascript", headers=headers)
    body = await asyncio.to_thread(_plotly_gzipped)
    headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="text/javascript", headers=headers)


@cache
def _plotly_gzipped() -> bytes:
    """5 MB become 1.5; kept, since the next browser comes with the next chart."""
    return gzip.compress(_plotly_file().read_bytes(), compresslevel=6, mtime=0)


def _plotly_file() -> Path:
    """Where the installed plotly keeps its script, found without importing it."""
    spec = find_spec("plotly")
    assert spec is not None  # noqa: S101 -- it is a dependency
    assert spec.origin is not None  # noqa: S101 -- and a package
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


def _page(name: str) -> HTMLResponse:
    return HTMLResponse((_FOLDER / name).read_text("utf-8"), headers=PAGE_HEADERS)
