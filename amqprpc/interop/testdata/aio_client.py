"""A client of the kind that RabbitMQ's RPC tutorial describes, on aio-pika.

It asks for many Fibonacci numbers at once, all through one exclusive callback queue:
each call is a future that waits under its correlation ID. It prints the answers in
the order of the questions. The broker is AMQP_URL's.
"""

import argparse
import asyncio
import os
import uuid

import aio_pika

PATIENCE = 60  # seconds for all replies


class Fibonacci:
    """Fibonacci numbers that somebody else computes."""

    def __init__(self, queue):
        self.queue = queue
        self.waiting = {}
        self.strays = 0

    async def consume(self, channel):
        self.exchange = channel.default_exchange
        self.callback_queue = await channel.declare_queue(exclusive=True)
        await self.callback_queue.consume(self.take, no_ack=True)

    async def take(self, reply):
        future = self.waiting.pop(reply.correlation_id, None)
        if future is None:
            self.strays += 1
        else:
            future.set_result(reply.body)

    async def call(self, n):
        correlation_id = str(uuid.uuid4())
        future = self.waiting[correlation_id] = asyncio.get_running_loop().create_future()
        request = aio_pika.Message(
            str(n).encode(),
            content_type="text/plain",
            correlation_id=correlation_id,
            reply_to=self.callback_queue.name,
        )
        await self.exchange.publish(request, routing_key=self.queue)
        return int(await future)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queue", required=True)
    parser.add_argument("n", type=int, nargs="+")
    args = parser.parse_args()
    fibonacci = Fibonacci(args.queue)
    async with await aio_pika.connect(os.environ["AMQP_URL"]) as connection:
        await fibonacci.consume(await connection.channel())
        calls = asyncio.gather(*map(fibonacci.call, args.n))
        for n, answer in zip(args.n, await asyncio.wait_for(calls, PATIENCE)):
            print(f" [x] Requesting fib({n})")
            print(f" [.] Got {answer}")
    if fibonacci.strays:
        raise SystemExit(f"{fibonacci.strays} replies that no call was waiting for")


asyncio.run(main())
