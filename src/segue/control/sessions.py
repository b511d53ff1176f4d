"""Sessions: people who are signed in. The browser holds the text in a cookie; only a digest of it is stored."""

from __future__ import annotations

import asyncio
import hmac
from hashlib import sha256

from msgspec import Struct

from segue.control.attempts import Attempts
from segue.control.passwords import SALT_BYTES, hash_password, is_old, password_is
from segue.control.tokens import base62
from segue.control.users import Users
from segue.model.errors import Conflict, NotFound, SignInFailed
from segue.model.ids import make_id
from segue.ports.catalog import Session, SessionCatalog, User, UserCatalog
from segue.ports.outside import Chance, Clock

# A session ends so long after it began, or after it was last used (ms).
LIFETIME_MS = 7 * 24 * 3_600_000
IDLE_MS = 24 * 3_600_000
# Its use is written down, and the user looked at again, this often at most (ms).
_TOUCH_MS = 60_000
_BYTES = 32
_NAME_LENGTH = 300
_ALLOWED_BY_PERSON, _ALLOWED_BY_ADDRESS = 5, 50
# So many passwords are looked at at the same time; each costs 19 MiB for a moment.
_AT_ONCE = 2


class NewSession(Struct, frozen=True, kw_only=True):
    """A session just made. `text` goes into the cookie and is nowhere else."""

    session: Session
    user: User
    text: str


class SignedIn(Struct, frozen=True, kw_only=True):
    """Whose session a cookie is."""

    session: Session
    user: User


class Browser(Struct, frozen=True, kw_only=True):
    """Where a request to sign in comes from, as far as that can be told."""

    address: str = ""
    user_agent: str = ""


class Sessions:
    """Sign in and out. While there is no user, a secret opens the making of the first."""

    def __init__(
        self, catalog: SessionCatalog, people: UserCatalog, users: Users, clock: Clock, chance: Chance
    ) -> None:
        self._catalog = catalog
        self._people = people
        self._users = users
        self._clock = clock
        self._chance = chance
        self._by_person = Attempts(clock, _ALLOWED_BY_PERSON)
        self._by_address = Attempts(clock, _ALLOWED_BY_ADDRESS)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._nobody: str | None = None
        self._first_secret: str | None = None

    async def offer_first(self) -> str | None:
        """The secret of the one-time link that makes the first administrator; None when there is a user already."""
        if await self._people.users():
            return None
        if self._first_secret is None:
            self._first_secret = base62(self._chance.entropy(_BYTES))
        return self._first_secret

    async def is_first(self) -> bool:
        """Whether the first administrator is still to be made."""
        return not await self._people.users()

    async def make_first(self, secret: str, email: str, password: str, browser: Browser) -> NewSession:
        """Make the first administrator and sign in. Raises SignInFailed, Invalid, and Conflict when there is a user."""
        if not await self.is_first():
            raise Conflict("There is an administrator already; sign in, or ask them to add you")
        key = f"first {browser.address}"
        self._by_address.check(key)
        self._by_address.begin(key)
        expected = self._first_secret or ""
        if not expected or not hmac.compare_digest(secret.encode(), expected.encode()):
            raise SignInFailed("This link is not the one the server printed when it started last")
        self._by_address.succeeded(key)
        async with self._slots:
            user = await asyncio.to_thread(self._users.make, email, password, ("admin",))
        if not await self._people.put_first_user(user):
            raise Conflict("There is an administrator already; sign in, or ask them to add you")
        self._first_secret = None
        return await self.begin(user, browser)

    async def sign_in(self, email: str, password: str, browser: Browser) -> NewSession:
        """Begin a session. Raises SignInFailed, TooManyAttempts."""
        address = email.strip().lower()[:_NAME_LENGTH]
        person = f"{address} {browser.address}"
        self._by_person.check(person)
        self._by_address.check(browser.address)
        self._by_person.begin(person)
        self._by_address.begin(browser.address)
        user = await self._people.user_by_email(address)
        async with self._slots:
            right = await asyncio.to_thread(password_is, password, user.password if user else self._of_nobody())
            if user is None or not right:
                raise SignInFailed("The e-mail address or the password is not right")
            if is_old(user.password):
                await self._users.renew_hash(user, password)
        self._by_person.succeeded(person)
        self._by_address.succeeded(browser.address)
        return await self.begin(user, browser)

    async def of(self, text: str) -> SignedIn | None:
        """Whose session the text of a cookie is; None when it is none, or has ended."""
        session = await self._catalog.session_by_digest(sha256(text.encode("latin-1", "replace")).digest())
        now = self._clock.now()
        if session is None or session.expires <= now or session.used + IDLE_MS <= now:
            return None
        user = await self._user(session.user)
        if user is None:
            return None
        if now - session.used >= _TOUCH_MS:
            await self._catalog.touch_session(session.id, now)
        return SignedIn(session=session, user=user)

    async def find(self, user: str) -> list[Session]:
        """The sessions of a user that have not ended, the last begun first."""
        now = self._clock.now()
        found = [one for one in await self._catalog.sessions() if one.user == user]
        return [one for one in reversed(found) if one.expires > now and one.used + IDLE_MS > now]

    async def end(self, user: str, id: str) -> None:
        """End a session of this user. Raises NotFound."""
        if not any(session.id == id for session in await self._catalog.sessions() if session.user == user):
            raise NotFound(f"You have no session {id[:100]}")
        await self._catalog.delete_session(id)

    async def change_password(self, user: str, old: str, new: str, keep: str) -> None:
        """Another password for a user who knows the old one; ends all their sessions but `keep`.

        Raises SignInFailed, TooManyAttempts, Invalid.
        """
        known = await self._user(user)
        if known is None:
            raise NotFound("This user is gone")
        self._by_person.check(known.id)
        self._by_person.begin(known.id)
        async with self._slots:
            right = await asyncio.to_thread(password_is, old, known.password)
        if not right:
            raise SignInFailed("The old password is not right")
        self._by_person.succeeded(known.id)
        await self._users.set_password(user, new)
        for session in await self.find(user):
            if session.id != keep:
                await self._catalog.delete_session(session.id)

    async def begin(self, user: User, browser: Browser) -> NewSession:
        """Begin a session of a user who has shown who they are."""
        now = self._clock.now()
        text = base62(self._chance.entropy(_BYTES))
        session = Session(
            id=make_id(now, self._chance.entropy(10)),
            digest=sha256(text.encode()).digest(),
            user=user.id,
            created=now,
            used=now,
            expires=now + LIFETIME_MS,
            address=browser.address[:_NAME_LENGTH],
            user_agent=browser.user_agent[:_NAME_LENGTH],
        )
        await self._catalog.put_session(session)
        return NewSession(session=session, user=user, text=text)

    async def _user(self, id: str) -> User | None:
        return next((user for user in await self._people.users() if user.id == id), None)

    def _of_nobody(self) -> str:
        """A hash that no password fits, so that an address nobody has takes as long as one that somebody has."""
        if self._nobody is None:
            self._nobody = hash_password(base62(self._chance.entropy(_BYTES)), self._chance.entropy(SALT_BYTES))
        return self._nobody


def csrf_of(text: str) -> str:
    """What a page of ours sends along with a change, to show that it could read an answer to its requests."""
    return hmac.new(text.encode("latin-1", "replace"), b"segue csrf", "sha256").hexdigest()
