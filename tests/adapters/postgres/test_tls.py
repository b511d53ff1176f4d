"""TLS to PostgreSQL: a real one with a certificate, which lets nobody in without, and one database only with a key."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.adapters.clock import SystemClock
from segue.adapters.postgres.address import Address, read_address
from segue.adapters.postgres.connect import Connection, connect
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.adapters.postgres.trouble import Away
from segue.model.errors import Invalid, SegueError, StoreUnavailable
from segue.testing.contracts.store_world import PlainSecrets
from segue.testing.postgres import USER, Cluster, running
from tests.adapters.worker_http.certificates import Authority
from tests.cli.conftest import segue
from tests.postgres import needs_postgres

HOST = "127.0.0.1"
LETS_IN = f"hostssl keyed {USER} {HOST}/32 cert\nhostssl all {USER} {HOST}/32 scram-sha-256\n"
ENCRYPTED = (
    "SELECT count(*), bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)"
    " WHERE a.application_name LIKE 'segue%'"
)


class Guarded:
    """The cluster, and what there is to reach it with."""

    def __init__(self, cluster: Cluster, authority: Authority, stranger: Authority, folder: Path) -> None:
        self.cluster = cluster
        self.root = authority.file
        self.other_root = stranger.file
        self.key = authority.issue(USER, client=True)
        self.other_key = stranger.issue(USER, client=True)
        self.password = folder / "password"
        self.password.write_text(cluster.password + "\n")
        self.passwords = folder / "pgpass"
        self.passwords.write_text(f"{HOST}:{cluster.port}:*:{USER}:{cluster.password}\n")
        self.passwords.chmod(0o600)

    def url(self, database: str = "postgres", host: str = HOST, **options: object) -> str:
        said = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://{USER}@{host}:{self.cluster.port}/{database}?{said}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    needs_postgres()
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = Authority(folder), Authority(tmp_path_factory.mktemp("stranger"))
    pem = authority.issue(HOST)
    with running() as cluster:
        for file, name in ((pem, "server.pem"), (authority.file, "root.pem")):
            owned = cluster.folder / "data" / name
            shutil.copy(file, owned)
            owned.chmod(0o600)
            if os.getuid() == 0:
                user = pwd.getpwnam("postgres")
                os.chown(owned, user.pw_uid, user.pw_gid)
        cluster.sql("CREATE DATABASE keyed")
        cluster.sql("SET password_encryption = 'scram-sha-256'; ALTER USER segue PASSWORD '" + cluster.password + "'")
        (cluster.folder / "data" / "pg_hba.conf").write_text(LETS_IN)
        cluster.stop()
        with (cluster.folder / "data" / "postgresql.conf").open("a") as conf:
            conf.write(
                "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.pem'\nssl_ca_file = 'root.pem'\n"
            )
        cluster.start()
        yield Guarded(cluster, authority, stranger, folder)


async def opened(address: Address) -> PostgresStore:
    return await PostgresStore.open(address, clock=SystemClock(), secrets=PlainSecrets())


async def test_every_connection_of_a_store_is_encrypted_and_to_whom_the_authority_names(guarded: Guarded) -> None:
    url = guarded.url(sslmode="verify-full", sslrootcert=guarded.root)
    store = await opened(read_address(url, str(guarded.password)))
    await store.ping()
    count, encrypted = guarded.cluster.sql(ENCRYPTED).split("|")
    await store.close()
    assert int(count) >= 3
    assert encrypted == "t"


def test_the_url_with_a_client_s_key_stands_in_a_file(guarded: Guarded, tmp_path: Path) -> None:
    file = tmp_path / "store"
    key = guarded.key
    file.write_text(guarded.url("keyed", sslmode="verify-full", sslrootcert=guarded.root, sslcert=key, sslkey=key))
    said = segue("token", "create", "--data", str(tmp_path / "data"), "--store", str(file), "--name", "me")
    assert (said.code, said.err) == (0, "")
    listed = segue("token", "list", "--data", str(tmp_path / "data"), "--store", str(file), "--json")
    assert [token["name"] for token in listed.json] == ["me"]


@pytest.mark.parametrize("by", ["url", "environment"])
async def test_a_password_comes_from_a_file_as_other_programs_read_it(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    options: dict[str, object] = {"sslmode": "verify-full", "sslrootcert": guarded.root}
    if by == "url":
        options["passfile"] = guarded.passwords
    else:
        monkeypatch.setenv("PGPASSFILE", str(guarded.passwords))
    connection = await connect(read_address(guarded.url(**options)), PostgresSettings(), Connection)
    assert await connection.fetchval("SELECT current_user") == USER
    await connection.close()


FILES = ("sslrootcert", "sslcert", "sslkey")
REFUSED: dict[str, tuple[dict[str, str], type[SegueError], str]] = {
    "of another authority": ({"sslrootcert": "other_root"}, StoreUnavailable, "not trusted under this name"),
    "under another name": ({"host": "localhost"}, StoreUnavailable, "not trusted under this name"),
    "no TLS": ({"sslmode": "disable"}, StoreUnavailable, "does not let this user in"),
    "no such root": ({"sslrootcert": "nowhere"}, Invalid, "/nowhere as sslrootcert, which cannot be read"),
    "no such key": ({"sslcert": "key", "sslkey": "nowhere"}, Invalid, "/nowhere as sslkey, which cannot be read"),
    "a key is asked for": ({"database": "keyed"}, StoreUnavailable, "client certificate"),
}


def address_of(guarded: Guarded, given: dict[str, str]) -> Address:
    options = {"sslmode": "verify-full", "sslrootcert": "root"} | given
    options = {name: getattr(guarded, it, f"/{it}") if name in FILES else it for name, it in options.items()}
    return read_address(guarded.url(**options), str(guarded.password))


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_wrong_is_said_and_is_nothing_to_wait_for(guarded: Guarded, case: str) -> None:
    given, kind, said = REFUSED[case]
    with pytest.raises(SegueError, match=said) as refused:
        await connect(address_of(guarded, given), PostgresSettings(), Connection)
    assert isinstance(refused.value, kind)
    assert not isinstance(refused.value, Away)
    assert guarded.cluster.password not in refused.value.detail


async def test_a_stranger_s_key_is_thought_of(guarded: Guarded) -> None:
    """PostgreSQL just ends such a connection, which looks like many another trouble."""
    address = address_of(guarded, {"database": "keyed", "sslcert": "other_key", "sslkey": "other_key"})
    with pytest.raises(StoreUnavailable, match="takes the client's certificate"):
        await connect(address, PostgresSettings(), Connection)
