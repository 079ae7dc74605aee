"""Ports whose calls count, one of which is the last the process makes."""

from __future__ import annotations


class Killed(BaseException):
    """The end of the process."""


class Deadly:
    """A port whose calls count; the one with the number `at` kills, before or after its work."""

    def __init__(self, at: int | None = None, *, after: bool = False) -> None:
        self.at, self.after = at, after
        self.calls = 0

    def __call__(self, _name, port):
        return _Counted(port, self)

    async def count(self, call):
        self.calls += 1
        kills = self.calls == self.at
        if kills and not self.after:
            call.close()
            raise Killed
        result = await call
        if kills:
            raise Killed
        return result


class _Counted:
    def __init__(self, port, deadly) -> None:
        self._port, self._deadly = port, deadly

    def __getattr__(self, name):
        value = getattr(self._port, name)
        if not callable(value):
            return value

        async def counted(*args, **kwargs):
            answer = await self._deadly.count(value(*args, **kwargs))
            return _Counted(answer, self._deadly) if name == "open" else answer

        return counted
