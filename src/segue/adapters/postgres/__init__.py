"""The store on PostgreSQL: several processes, on several hosts, on the same queues.

What a message's handling changes is decided by the same code as in the embedded store (`adapters/sql`); here is what
only several processes need: who holds which messages, what happens when one of them dies, and how they hear of each
other.
"""
