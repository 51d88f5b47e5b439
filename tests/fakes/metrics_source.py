"""A MetricsSource that a test writes: pages by path, and what is to go wrong."""

from collections.abc import Mapping

from sentinel.ports.metrics_source import Page, ScrapeError

TEXT = "text/plain; version=0.0.4"


class FakeSource:
    """`pages`: path → status and text, None for the address itself. `trouble`: why nothing answers."""

    def __init__(self, page: str | None = None, pages: Mapping[str, tuple[int, str]] | None = None) -> None:
        self.page = page
        self.pages = dict(pages or {})
        self.kind = TEXT
        self.trouble: str | None = None
        self.asked: list[str | None] = []

    def get(self, path: str | None = None) -> Page:
        self.asked.append(path)
        if self.trouble is not None:
            raise ScrapeError(self.trouble)
        if path is None and self.page is not None:
            return Page(status=200, content_type=self.kind, body=self.page.encode())
        status, text = self.pages.get(path or "", (404, "not found"))
        return Page(status=status, content_type=self.kind, body=text.encode())
