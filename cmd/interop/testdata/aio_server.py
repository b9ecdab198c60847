"""A server of the kind that RabbitMQ's RPC tutorial describes, on aio-pika.

It goes through the queue request by request, computes fib(int(body)) the slow way,
replies by way of the default exchange to reply_to, and acks after that. The broker is
AMQP_URL's.
"""

import argparse
import asyncio
import os

import aio_pika

DECLARATIONS = {
    "passive": {"passive": True},
    "transient": {},
    "classic": {"durable": True},
    "quorum": {"durable": True, "arguments": {"x-queue-type": "quorum"}},
}


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queue", required=True)
    parser.add_argument("--declare", choices=DECLARATIONS, required=True)
    parser.add_argument("--sleep", type=float, default=0, help="seconds of further work for each request")
    parser.add_argument("--die-at", type=int, default=0, help="request between whose reply and ack to die")
    parser.add_argument("--sign", action="store_true", help="put the name into the replies, as app_id")
    parser.add_argument("--name")
    args = parser.parse_args()

    connection = await aio_pika.connect(os.environ["AMQP_URL"])
    async with connection, connection.channel() as channel:  # with publisher confirms
        await channel.set_qos(prefetch_count=1)
        queue = await channel.declare_queue(args.queue, **DECLARATIONS[args.declare])
        async with queue.iterator() as requests:
            print(" [x] Awaiting RPC requests", flush=True)
            number = 0
            async for request in requests:
                async with request.process():
                    number += 1
                    n = int(request.body)
                    print(f" [.] fib({n})", flush=True)
                    await asyncio.sleep(args.sleep)
                    reply = aio_pika.Message(
                        str(fib(n)).encode(),
                        correlation_id=request.correlation_id,
                        app_id=args.name if args.sign else None,
                    )
                    await channel.default_exchange.publish(reply, routing_key=request.reply_to)
                    if number == args.die_at:
                        os._exit(9)


asyncio.run(main())
