"""The demo: a record shop's orders flow through a drawn process into a CRM and a warehouse; the account is proven."""
