"""The CRM: contacts and what they bought.

`python -m demo.systems.crm`. A contact that a colleague is editing is locked: every fiftieth customer is, when the
first call for it comes, and then no more.
"""

from __future__ import annotations

import msgspec

from demo.systems.book import Book
from demo.systems.service import Refusal, Request, Service, enter

LOCKED_EVERY = 50
service = Service("CRM")
contacts = Book()
purchases = Book()
notes = Book()
locked_calls: dict[str, int] = {}


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer, and the order by which it became known or was seen again."""

    order: int
    customer: str
    day: str


class Purchase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer bought; the amount is in US cents."""

    order: int
    customer: str
    day: str
    cds: int
    cents: int


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that sales should look at."""

    order: int
    customer: str
    text: str


@service.route("POST", "/contacts")
def see_contact(request: Request) -> tuple[int, object]:
    """Create the contact or note that it was seen again; 423 while a colleague edits it."""
    contact = request.json(Contact)
    if int(contact.customer.removeprefix("C-")) % LOCKED_EVERY == 0:
        calls = locked_calls[request.key] = locked_calls.get(request.key, 0) + 1
        if calls == 1:
            raise Refusal(423, f"{contact.customer} is being edited by a colleague; try again in a moment")
    return enter(contacts, request, contact.order, msgspec.structs.asdict(contact))


@service.route("POST", "/purchases")
def record_purchase(request: Request) -> tuple[int, object]:
    """Record what a customer bought."""
    purchase = request.json(Purchase)
    return enter(purchases, request, purchase.order, msgspec.structs.asdict(purchase))


@service.route("POST", "/notes")
def write_note(request: Request) -> tuple[int, object]:
    """Leave a note for sales."""
    note = request.json(Note)
    return enter(notes, request, note.order, msgspec.structs.asdict(note))


@service.route("GET", "/contacts")
def list_contacts(_: Request) -> tuple[int, object]:
    """Every sighting of a contact, with the count of repeated and refused calls."""
    return 200, {**contacts.totals(), "items": list(contacts.records.values())}


@service.route("GET", "/purchases")
def list_purchases(_: Request) -> tuple[int, object]:
    """Every purchase, with the count of repeated and refused calls."""
    return 200, {**purchases.totals(), "items": list(purchases.records.values())}


@service.route("GET", "/notes")
def list_notes(_: Request) -> tuple[int, object]:
    """Every note, with the count of repeated and refused calls."""
    return 200, {**notes.totals(), "items": list(notes.records.values())}


@service.route("GET", "/totals")
def totals(_: Request) -> tuple[int, object]:
    """How much has arrived; `locked` counts the calls that met a locked contact."""
    return 200, {
        "contacts": contacts.totals(),
        "purchases": purchases.totals(),
        "notes": notes.totals(),
        "locked": len(locked_calls),
    }


if __name__ == "__main__":
    service.run()
