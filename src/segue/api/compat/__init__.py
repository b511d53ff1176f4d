"""The routes of the original platform, for workers and senders that know it: they need not learn ours.

Words, paths, statuses and shapes of answers here are Orchesty's. What lets strangers in or loses messages there does
not here: every route but the few that cannot asks for a token.
"""
