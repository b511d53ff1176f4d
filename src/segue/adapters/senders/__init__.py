"""Sending notices to the outside: a URL, mails, an AMQP exchange; and all of them behind one port."""

from segue.adapters.senders.all import Senders

__all__ = ["Senders"]
