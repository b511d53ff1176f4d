"""Control services in containers, by the Docker Engine API (Docker, Podman)."""
