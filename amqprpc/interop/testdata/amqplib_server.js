// A server of the kind that RabbitMQ's RPC tutorial describes, on amqplib.
//
// It takes one request at a time, computes fib(body) the slow way, replies to replyTo with the
// request's correlation ID, and acks after that. The broker is AMQP_URL's.
"use strict";

const amqp = require("amqplib");
const { parseArgs } = require("util");

const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));

async function main() {
  const { values } = parseArgs({
    options: { queue: { type: "string" }, declare: { type: "string" }, name: { type: "string" }, sign: { type: "boolean" } },
  });
  if (values.declare !== "quorum") throw new Error("--declare can only be quorum");
  // amqplib writes a message's frames one by one: without noDelay each reply waits for TCP's delayed ack.
  const connection = await amqp.connect(process.env.AMQP_URL, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertQueue(values.queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.prefetch(1);
  await channel.consume(values.queue, (request) => {
    if (request === null) throw new Error("the broker canceled the consumer");
    const n = parseInt(request.content.toString(), 10);
    console.log(` [.] fib(${n})`);
    const reply = { correlationId: request.properties.correlationId };
    if (values.sign) reply.appId = values.name;
    channel.sendToQueue(request.properties.replyTo, Buffer.from(String(fib(n))), reply);
    channel.ack(request);
  });
  console.log(" [x] Awaiting RPC requests");
  process.once("SIGTERM", () => connection.close());
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
