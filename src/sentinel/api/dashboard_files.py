"""The dashboard as it was built: which files there are, and how each is answered. Used by routes.dashboard.

All of it is read at once into memory, a megabyte or two: what is answered is what was there at that moment, a
name finds what is in the folder and nothing else, and no request waits for a disk. What was built since is
read when its files are others; that is looked at once a second at most.

A file that is worth it is kept packed as well: the build's own `NAME.gz`, else packed here.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from sentinel.api.dashboard_place import INDEX
from sentinel.api.packing import answer, pack

LOOK_EVERY = 1.0
MOST_BYTES = 64 << 20
FOR_EVER = "public, max-age=31536000, immutable"
_LEAST_PACKED = 512
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_PACKABLE = frozenset(
    (".css", ".html", ".ico", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest")
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as it is answered. `packed` None: it would hardly be smaller."""

    body: bytes
    packed: bytes | None
    media: str
    tag: str  # without quotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A build: its page, and its assets by their path below `assets/`. `state`: of the files it was read
    from."""

    index: File
    assets: Mapping[str, File]
    state: "State"


State = tuple[tuple[str, int, int], ...]  # of each file: its path, when it was written (ns), how long it is


def state_of(folder: Path) -> State | None:
    """What changes with another build, and while one is written; None where there is none. Blocks."""
    found: list[tuple[str, int, int]] = []
    for path in _files(folder):
        try:
            of = path.stat()
        except OSError:
            continue
        found.append((str(path), of.st_mtime_ns, of.st_size))
    return tuple(found) if (folder / INDEX).is_file() else None


def read(folder: Path) -> Built | None:
    """What is there now; None where nothing was built, or a build is being written. Blocks."""
    state = state_of(folder)
    if state is None:
        return None
    assets = folder / "assets"
    try:
        return Built(
            index=_file(folder / INDEX),
            assets={
                path.relative_to(assets).as_posix(): _file(path)
                for path in _files(folder)[1:]
                if path.suffix in _TYPES and _within(folder, path)
            },
            state=state,
        )
    except OSError:
        return None


class Dashboard:
    """What is in a folder, kept up with. For one event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: Built | None = None
        self._looked_at: float | None = None
        self._one = asyncio.Lock()

    async def built(self, now: float) -> Built | None:
        """The build that is there, as of less than a second ago; None: there is none. `now`: boottime."""
        if self._due(now):
            async with self._one:
                if self._due(now):
                    await asyncio.to_thread(self._look)
                    self._looked_at = now
        return self._built

    def _due(self, now: float) -> bool:
        return self._looked_at is None or now - self._looked_at >= LOOK_EVERY

    def _look(self) -> None:
        if self._built is None or state_of(self._folder) != self._built.state:
            self._built = read(self._folder)


def answer_asset(request: Request, file: File) -> Response:
    """Its name changes with what is in it, so whoever has it needs to ask no more."""
    return _answer(request, file, {"Cache-Control": FOR_EVER})


def answer_index(request: Request, file: File) -> Response:
    """Asked for each time: it names the assets of the build that runs now."""
    return _answer(request, file, {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY})


def _answer(request: Request, file: File, headers: dict[str, str]) -> Response:
    return answer(request, file.body, file.packed, file.tag, file.media, headers)


def _files(folder: Path) -> list[Path]:
    """The page, and all assets."""
    return [folder / INDEX, *(path for path in sorted((folder / "assets").rglob("*")) if path.is_file())]


def _within(folder: Path, path: Path) -> bool:
    """A link that leads out of the folder is not followed."""
    return path.resolve().is_relative_to(folder.resolve())


def _file(path: Path) -> File:
    body = path.read_bytes()
    if len(body) > MOST_BYTES:
        raise OSError(f"{path} is too big for a dashboard's")
    packed = _packed(path, body)
    return File(
        body=body,
        packed=packed if packed is not None and len(packed) < len(body) else None,
        media=_TYPES[path.suffix],
        tag=blake2b(body, digest_size=12).hexdigest(),
    )


def _packed(path: Path, body: bytes) -> bytes | None:
    ready = path.with_name(f"{path.name}.gz")
    if ready.is_file() and not ready.is_symlink():
        return ready.read_bytes()
    if path.suffix not in _PACKABLE or len(body) < _LEAST_PACKED:
        return None
    return pack(body, 9)
