"""What everything in Segue speaks about, as data.

Messages, process graphs, versions, instances, transitions, workers, limits, notices and errors. Data only: it imports
nothing else of Segue, so every layer may use it.
"""
