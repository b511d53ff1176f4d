"""RabbitMQ as the broker: tickets in quorum queues, over AMQP 0-9-1."""
