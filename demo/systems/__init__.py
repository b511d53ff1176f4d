"""Three small systems that the process connects: a shop, a CRM and a warehouse, each a service of its own.

They know nothing of Segue. Each keeps a book of what arrived and tells apart a repeated call from a second order.
"""
