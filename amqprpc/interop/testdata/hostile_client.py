"""Sends what no decent client would, on pika, and reports what comes back.

Each line on stdin is a JSON object that says what to publish and how many replies to
wait for; for each there is a line with these replies on stdout. Bytes are in base64.
The requests go out one after the other: a reply that nobody asked for is reported with
the next request. The broker is AMQP_URL's.
"""

import argparse
import base64
import datetime
import decimal
import json
import os
import sys
import time

import pika

PATIENCE = 10  # seconds for the replies to one request

# What JSON cannot say.
EXOTIC = {
    "nothing": None,
    "bytes": bytes(range(256)),
    "decimal": decimal.Decimal("-1.2345"),
    "far future": datetime.datetime(9999, 12, 31),
    "x-rpc": datetime.datetime(1970, 1, 1),
    "x-decimal": decimal.Decimal("0.1"),
    "": "an empty name",
    b"\xff\xfe": "a name that is no UTF-8",
    "n" * 255: ["list", {"table": {"in a table": [True, None, 1 << 62]}}],
}


def text(value):
    """A short string in base64: pika gives it as str, or as bytes where it is no UTF-8."""
    if value is None:
        return None
    if isinstance(value, str):
        value = value.encode()
    return base64.b64encode(value).decode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queue", required=True)
    args = parser.parse_args()
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    channel = connection.channel()
    callback_queue = channel.queue_declare("", exclusive=True).method.queue
    replies = []

    def take(_channel, _method, reply, body):
        headers = reply.headers or {}
        replies.append(
            {
                "correlation_id": text(reply.correlation_id),
                "type": reply.type,
                "content_type": reply.content_type,
                "app_id": reply.app_id,
                "error": headers.get("x-rpc-error"),
                "redelivered": "redelivered" in str(headers.get("x-rpc")),
                "body": text(body),
            }
        )

    channel.basic_consume(callback_queue, take, auto_ack=True)
    for line in sys.stdin:
        todo = json.loads(line)
        properties = pika.BasicProperties(**todo.get("properties") or {})
        if todo.get("correlation_id") is not None:
            properties.correlation_id = base64.b64decode(todo["correlation_id"])
        properties.reply_to = todo.get("reply_to", callback_queue)
        headers = dict(todo.get("headers") or {})
        if todo.get("exotic"):
            headers.update(EXOTIC)
        properties.headers = headers or None
        channel.basic_publish("", args.queue, base64.b64decode(todo["body"] or ""), properties)
        deadline = time.monotonic() + PATIENCE
        while len(replies) < todo["replies"] and time.monotonic() < deadline:
            connection.process_data_events(time_limit=deadline - time.monotonic())
        if len(replies) < todo["replies"]:
            sys.exit(f"{len(replies)} replies within {PATIENCE} s to {line:.200}")
        print(json.dumps({"replies": replies}), flush=True)
        replies.clear()
    connection.close()


main()
