"""The nodes as they become during one pass of placement: those of the snapshot, but for what the pass has
placed.

Used by placement and booking. Sites that look alike are kept together, so that they are looked at once.
"""

from bisect import bisect_left, insort

from sentinel.scheduling.seating import Positions
from sentinel.scheduling.site import Site
from sentinel.scheduling.snapshot import Named, Snapshot

Where = tuple[Site, Positions]


class Fleet:
    """`shapes`: what sites look like → those that look like that, by name. `changed`: those that the pass
    changed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.changed: dict[str, Site] = {}
        self.shapes: dict[object, list[Named]] = dict(snapshot.shapes)
        self._ours: set[object] = set()  # shapes whose list is our own copy
        self._names: dict[str, str] | None = None

    def site(self, id: str) -> Site:
        """As it is now. KeyError when there is none."""
        return self.changed.get(id) or self._snapshot.sites[id]

    def has(self, name: str) -> bool:
        """Whether jobs may be placed on a node of this name."""
        if self._names is None:
            self._names = {site.name: site.id for site in self._snapshot.sites.values()}
        return name in self._names

    def named(self, name: str) -> Named:
        """The node of this name, where `has` says that there is one."""
        assert self.has(name) and self._names is not None
        return name, self._names[name]

    def change(self, old: Site, new: Site) -> None:
        """`old` has become `new`."""
        self.changed[new.id] = new
        if new.shape == old.shape:
            return
        name = new.name, new.id
        alike = self._own(old.shape)
        del alike[bisect_left(alike, name)]
        if not alike:
            del self.shapes[old.shape]
            self._ours.discard(old.shape)
        insort(self._own(new.shape), name)

    def _own(self, shape: object) -> list[Named]:
        if shape not in self._ours:
            self.shapes[shape] = list(self.shapes.get(shape, ()))
            self._ours.add(shape)
        return self.shapes[shape]
