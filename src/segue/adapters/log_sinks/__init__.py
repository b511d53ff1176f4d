"""Destinations of log lines: Elasticsearch and OpenSearch, MongoDB, Logstash, standard output."""
