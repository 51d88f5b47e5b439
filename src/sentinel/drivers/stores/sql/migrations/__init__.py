"""How databases of older versions become those of this one: Alembic's folder, run by `migrating`.

A revision is never changed once it was released. A new one is written by hand: `versions/0002_….py` with
`down_revision` the one before; then HEAD in `migrating` is its name. A test compares them with `schema`.
"""
