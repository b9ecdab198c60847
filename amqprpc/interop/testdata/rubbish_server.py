"""Answers every request, whatever it asks, with the same replies, on pika.

They are a JSON array in the argument --replies: objects with the AMQP properties and the
"body" in base64. A reply has the request's correlation ID unless it brings its own. The
broker is AMQP_URL's.
"""

import argparse
import base64
import json
import os

import pika


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queue", required=True)
    parser.add_argument("--replies", type=json.loads, required=True)
    parser.add_argument("--name")
    args = parser.parse_args()
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    channel = connection.channel()
    channel.queue_declare(args.queue, durable=True)

    def answer(_channel, method, request, _body):
        for reply in args.replies:
            properties = {"correlation_id": request.correlation_id, **reply}
            body = base64.b64decode(properties.pop("body") or "")
            channel.basic_publish("", request.reply_to, body, pika.BasicProperties(**properties))
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(args.queue, answer)
    print(" [x] Awaiting RPC requests", flush=True)
    channel.start_consuming()


main()
