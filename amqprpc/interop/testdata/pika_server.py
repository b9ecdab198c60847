"""A server of the kind that RabbitMQ's RPC tutorial describes, on pika.

It takes one request at a time, computes fib(int(body)) the slow way, replies to
reply_to with the request's correlation ID, and acks after that. SIGTERM ends it, but never
between a reply and its ack. The broker is AMQP_URL's.
"""

import argparse
import os
import signal
import time

import pika

DECLARATIONS = {
    "passive": {"passive": True},
    "transient": {},
    "classic": {"durable": True},
    "quorum": {"durable": True, "arguments": {"x-queue-type": "quorum"}},
}


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queue", required=True)
    parser.add_argument("--declare", choices=DECLARATIONS, required=True)
    parser.add_argument("--sleep", type=float, default=0, help="seconds of further work for each request")
    parser.add_argument("--die-at", type=int, default=0, help="request between whose reply and ack to die")
    parser.add_argument("--sign", action="store_true", help="put the name into the replies, as app_id")
    parser.add_argument("--name")
    args = parser.parse_args()

    connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    channel = connection.channel()
    if args.die_at:
        channel.confirm_delivery()  # so that the reply is safe at the broker before the end
    channel.queue_declare(args.queue, **DECLARATIONS[args.declare])
    channel.basic_qos(prefetch_count=1)
    requests = 0

    def answer(_channel, method, request, body):
        nonlocal requests
        requests += 1
        n = int(body)
        print(f" [.] fib({n})", flush=True)
        time.sleep(args.sleep)
        reply = pika.BasicProperties(
            correlation_id=request.correlation_id, app_id=args.name if args.sign else None
        )
        channel.basic_publish("", request.reply_to, str(fib(n)).encode(), reply)
        if requests == args.die_at:
            os._exit(9)
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(args.queue, answer)
    signal.signal(signal.SIGTERM, lambda *_: connection.add_callback_threadsafe(channel.stop_consuming))
    print(" [x] Awaiting RPC requests", flush=True)
    channel.start_consuming()
    connection.close()


main()
