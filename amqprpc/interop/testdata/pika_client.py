"""A client of the kind that RabbitMQ's RPC tutorial describes, on pika.

It has one connection, one exclusive callback queue that the broker names, and knows
replies by their correlation ID. It asks for one Fibonacci number after the other and
prints what it gets. The broker is AMQP_URL's.
"""

import argparse
import os
import time
import uuid

import pika

PATIENCE = 30  # seconds for one reply
DIRECT = "amq.rabbitmq.reply-to"


class Fibonacci:
    """Fibonacci numbers that somebody else computes."""

    def __init__(self, url, queue, direct):
        self.queue = queue
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self.connection.channel()
        if direct:
            self.callback_queue = DIRECT
        else:
            self.callback_queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.basic_consume(self.callback_queue, self.take, auto_ack=True)
        self.waiting_for = None
        self.answer = None

    def take(self, _channel, _method, properties, body):
        if properties.correlation_id == self.waiting_for:
            self.answer = body

    def call(self, n):
        self.answer = None
        self.waiting_for = str(uuid.uuid4())
        self.channel.basic_publish(
            "",
            self.queue,
            str(n).encode(),
            pika.BasicProperties(reply_to=self.callback_queue, correlation_id=self.waiting_for),
        )
        deadline = time.monotonic() + PATIENCE
        while self.answer is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no reply for fib({n}) within {PATIENCE} s")
            self.connection.process_data_events(time_limit=left)
        return int(self.answer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queue", required=True)
    parser.add_argument("--direct", action="store_true", help="use direct reply-to, not a queue")
    parser.add_argument("n", type=int, nargs="+")
    args = parser.parse_args()
    fibonacci = Fibonacci(os.environ["AMQP_URL"], args.queue, args.direct)
    for n in args.n:
        print(f" [x] Requesting fib({n})")
        print(f" [.] Got {fibonacci.call(n)}")
    fibonacci.connection.close()


main()
