"""Tests of what the store on PostgreSQL has beyond the contracts: several processes, lost connections."""
