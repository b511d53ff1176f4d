"""The ports that a SQL store implements with scripts alone; how these run is the business of each database."""
