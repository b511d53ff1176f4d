"""What a route may use: the use cases, and the caller with the scope that the route needs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from segue.api.gate import Caller, Scope, check_scope
from segue.api.parts import Parts
from segue.control.everything import Control

PARTS = "segue.parts"
"""Where the scope of a request has the parts that its route may use."""


class Needs:
    """A dependency of every route: its caller, who has the scope. Raises ScopeMissing."""

    def __init__(self, scope: Scope | None) -> None:
        self.scope = scope

    def __call__(self, request: Request) -> Caller:
        """The caller, whom the front has let in."""
        caller: Caller = request.state.caller
        if self.scope is not None:
            check_scope(caller, self.scope)
        return caller


def _parts(request: Request) -> Parts:
    parts: Parts = request.scope[PARTS]
    return parts


def _control(request: Request) -> Control:
    return _parts(request).control


def need(scope: Scope) -> list[Any]:
    """For `dependencies=` of a route that does not care who calls."""
    return [Depends(Needs(scope))]


UseCases = Annotated[Control, Depends(_control)]
Everything = Annotated[Parts, Depends(_parts)]
Known = Annotated[Caller, Depends(Needs(None))]
Operator = Annotated[Caller, Depends(Needs("operate"))]
Editor = Annotated[Caller, Depends(Needs("edit"))]
Admin = Annotated[Caller, Depends(Needs("admin"))]
