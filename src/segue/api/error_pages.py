"""What each error code means and what to do about it: the source of the pages in `docs/errors/`."""

from __future__ import annotations

from msgspec import Struct

from segue.model.errors import NotFound


class ErrorPage(Struct, frozen=True):
    """One code: its HTTP status, what it means, and what to do."""

    status: int
    meaning: str
    remedy: str


PAGES: dict[str, ErrorPage] = {
    "backlog-full": ErrorPage(
        429,
        "So many messages wait in the version, or so many writes wait for the disk, that the server takes no new "
        "starts. Nothing of the request was stored.",
        "Wait as many seconds as the `Retry-After` header says and send the request again, best with an "
        "`Idempotency-Key`. If it lasts, look at the queues for a worker that is down or too slow. "
        "The bounds are the settings `backlog` and `pending_writes`.",
    ),
    "conflict": ErrorPage(
        409,
        "The request contradicts the state it meets, for example publishing a version twice. Nothing was changed.",
        "Read the state again and decide anew; the `detail` says what is in the way.",
    ),
    "cross-site": ErrorPage(
        403,
        "A change was asked for with the cookie of a session and without the proof that a page of this server asked. "
        "Nothing was changed.",
        "Load the page again. Programs use `Authorization: Bearer TOKEN` and no cookie; whoever scripts a session "
        "sends the `csrf` that `GET /api/v1/session` answers as the header `X-CSRF-Token`.",
    ),
    "data-folder-in-use": ErrorPage(
        409,
        "Another server holds the data folder. One folder belongs to one server at a time.",
        "Stop the other server, whose process id the `detail` names, or give this one a folder of its own with "
        "`--data`.",
    ),
    "draft-changed": ErrorPage(
        409,
        "The draft is not the one that this change was made from: somebody else put another one meanwhile, or there "
        "was none when the work began. Nothing was changed. `version` is the version that is in the way, `revision` "
        "what it is now, `author` and `at` who put it and when.",
        "Look at what is there now and decide: carry the change over to it, or send it again with that `revision` in "
        "the `If-Match` header to replace it.",
    ),
    "headers-too-large": ErrorPage(
        431,
        "The header fields that would travel with the message (`content-type` and those that begin with `segue-`) are "
        "larger than 16 KiB together, or the whole head of the request is larger than 64 KiB. Nothing was stored.",
        "Put large values into the body.",
    ),
    "internal": ErrorPage(
        500,
        "The server met an error of its own. A start request that was answered so may have been stored or not.",
        "Send a start again with the same `Idempotency-Key`: it is stored once. The server's log has the details; "
        "please report them.",
    ),
    "invalid": ErrorPage(
        422,
        "The request is malformed. Nothing was changed. `detail` says what is wrong and where; `errors`, where there "
        "are several, lists each with its place.",
        "Correct the named field. A field that is not known is an error too, so that a typing mistake does not pass "
        "silently.",
    ),
    "message-gone": ErrorPage(
        409,
        "The message has left the trash, or is no user task any more: somebody else was faster, or it was a second "
        "click. Nothing was changed by this request.",
        "Look at the list again.",
    ),
    "nobody-listens": ErrorPage(
        404,
        "A message was to be delivered, and nobody waits for one of this name and key: no instance has come to its "
        "message event yet, it has left it already, or name or key are others. Nothing was kept of it.",
        "Deliver it again a little later if the instance may not have come there yet. Compare name and key with what "
        "the waiting message says: the page of its instance shows it.",
    ),
    "messages-live": ErrorPage(
        409,
        "Messages still live in the version, so it does not retire.",
        'Wait until they are done, or retire with `{"discard": true}`, which moves them to trash.',
    ),
    "method-not-allowed": ErrorPage(
        405,
        "The address exists, and not for this method.",
        "Use one of the methods that the `Allow` header names.",
    ),
    "name-taken": ErrorPage(
        409,
        "A process, worker, token or user of this name is there already. Nothing was changed.",
        "Choose another name, or change the one that is there.",
    ),
    "no-enabled-version": ErrorPage(
        409,
        "The process exists and none of its versions is enabled, so nothing could take the message. "
        "Nothing was stored.",
        "Enable a version: `segue version enable PROCESS NUMBER`.",
    ),
    "node-not-found": ErrorPage(
        404,
        "The version that would take the message has no node of this name. A start looks for a start event by its "
        "name or id; a resend to another version for the node's id.",
        "Look at the nodes of the version. Starts go to the highest enabled version.",
    ),
    "not-found": ErrorPage(404, "What the request names does not exist.", "Check the address, and look at the list."),
    "port-in-use": ErrorPage(
        409,
        "Another program listens on the address that the server was told to use.",
        "Choose another port with `--port`, or 0 for a free one.",
    ),
    "process-not-found": ErrorPage(
        404, "No process has this name.", "Check the name: `segue process list`. Names are told apart by case."
    ),
    "scope-missing": ErrorPage(
        403,
        "The token is known and does not allow this.",
        "Use a token with the scope that `detail` names. `segue token create --scope` makes one.",
    ),
    "sign-in-failed": ErrorPage(
        403,
        "The e-mail address or the password is not right; which of them is not said. Or the one-time link for the "
        "first administrator is not the one that the server printed last.",
        "Try again. Somebody with access to the data folder can make another user with "
        "`segue user create --data DIR --email EMAIL`.",
    ),
    "stopping": ErrorPage(
        503,
        "The server is about to stop and takes nothing new. Nothing of the request was stored.",
        "Send it again after as many seconds as `Retry-After` says.",
    ),
    "broker-unavailable": ErrorPage(
        503,
        "RabbitMQ cannot be used now. What was accepted is in the store, waits there, and goes on as soon as RabbitMQ "
        "can be used; nothing needs to be restarted.",
        "See that RabbitMQ runs, and can be reached with the user and password of the setting `broker`.",
    ),
    "store-unavailable": ErrorPage(
        503,
        "The store cannot write now: the disk is full, the folder is read-only, or the file is damaged. What was "
        "accepted before is safe, nothing is half done, and work goes on once writing is possible again.",
        "Do what `detail` says, and send the request again.",
    ),
    "too-large": ErrorPage(
        413,
        "The body is larger than one request may have. Nothing was stored.",
        "Send less at once, or raise the setting `max_body_mb`.",
    ),
    "too-many-attempts": ErrorPage(
        429,
        "So many attempts to sign in failed that no more are looked at for a while.",
        "Wait as many seconds as `Retry-After` says. Each further failure doubles the time, up to 15 minutes.",
    ),
    "unauthenticated": ErrorPage(
        401,
        "The request carries no credentials, or none that this server knows.",
        "Send `Authorization: Bearer TOKEN`. `segue token create --data DIR --name NAME` makes a token.",
    ),
    "unreadable-file": ErrorPage(
        422,
        "The file holds no process that can be read. `findings` say why, with code and line. Nothing was changed.",
        "Check that it is BPMN 2.0 XML, `.tplg` or `.tplg.json`: `segue check FILE` tells the same without a server.",
    ),
    "version-has-errors": ErrorPage(
        409,
        "The version has findings that are errors, so it does not publish. `findings` lists them. It stays a draft.",
        "Correct the file and put it again. What each finding means is said in `docs/bpmn.md`.",
    ),
    "version-not-found": ErrorPage(
        404, "The process has no version with this number.", "Look at its versions: `segue process list`."
    ),
    "worker-refused": ErrorPage(
        422,
        "A worker understood what it was asked about an application and refused. Nothing was changed by us.",
        "The `detail` has the worker's words. They come from the worker's own code or from the system that the "
        "application stands for: settings that are missing, say, or an authorization that has ended.",
    ),
    "worker-trouble": ErrorPage(
        502,
        "A worker that was asked for its actions or applications is away, slow, or answers something unexpected.",
        "The `detail` names the worker, the request and the trouble. Messages are not concerned: calls to workers "
        "that fail are tried again on their own.",
    ),
}


def index() -> str:
    """The list of all codes in Markdown."""
    rows = "".join(f"| [{code}]({code}.md) | {found.status} |\n" for code, found in sorted(PAGES.items()))
    return (
        "# Error codes\n\nEvery error of the HTTP interface is a problem document (RFC 9457). Its `code` is stable, "
        "its `type` is `/docs/errors/` and the code, where the server shows the page below.\n\n"
        f"| code | HTTP status |\n|---|---|\n{rows}"
    )


def page(code: str) -> str:
    """The page of a code in Markdown. Raises NotFound for a code that there is not."""
    found = PAGES.get(code)
    if found is None:
        raise NotFound(f"There is no error code {code[:100]}")
    return f"# {code}\n\nHTTP status {found.status}.\n\n{found.meaning}\n\n## What to do\n\n{found.remedy}\n"
