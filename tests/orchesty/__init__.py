"""A worker made of unmodified Orchesty packages against a whole Segue."""
