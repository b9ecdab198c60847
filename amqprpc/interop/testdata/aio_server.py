"""A server of the kind that RabbitMQ's RPC tutorial describes, on aio-pika.

It takes one request at a time, computes fib(int(body)) the slow way, replies by way of the
default exchange to reply_to, and acks after that. SIGTERM ends it, but never between a reply
and its ack. The broker is AMQP_URL's.
"""

import argparse
import asyncio
import os
import signal

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
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        busy = asyncio.Lock()
        number = 0

        async def answer(request):
            nonlocal number
            async with busy, request.process():
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

        consumer = await queue.consume(answer)
        print(" [x] Awaiting RPC requests", flush=True)
        await stopping.wait()
        await queue.cancel(consumer)
        async with busy:  # until it has acked
            pass


asyncio.run(main())
