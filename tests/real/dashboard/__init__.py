"""The web dashboard in a real browser. A package: its controller and browser end with it."""
