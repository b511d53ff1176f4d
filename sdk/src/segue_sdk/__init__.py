"""Write workers for Segue: connectors, custom actions and batches as plain Python functions."""
