// A client of the kind that RabbitMQ's RPC tutorial describes, on amqplib.
//
// It has one callback queue, an exclusive one or (--direct) direct reply-to, and asks for all its
// Fibonacci numbers at once. It prints the answers in the order of its arguments. The
// broker is AMQP_URL's.
"use strict";

const amqp = require("amqplib");
const { randomUUID } = require("crypto");
const { parseArgs } = require("util");

const PATIENCE = 30_000; // ms for all replies

async function main() {
  const { values, positionals } = parseArgs({
    options: { queue: { type: "string" }, direct: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const connection = await amqp.connect(process.env.AMQP_URL);
  const channel = await connection.createChannel();
  const callbackQueue = values.direct ? "amq.rabbitmq.reply-to" : (await channel.assertQueue("", { exclusive: true })).queue;
  const waiting = new Map();
  const take = (message) => {
    if (message === null) throw new Error("the broker canceled the consumer");
    waiting.get(message.properties.correlationId)?.(message.content.toString());
  };
  await channel.consume(callbackQueue, take, { noAck: true });
  const late = setTimeout(() => {
    throw new Error(`not all replies within ${PATIENCE} ms`);
  }, PATIENCE);
  const answers = positionals.map(
    (n) =>
      new Promise((resolve) => {
        const correlationId = randomUUID();
        waiting.set(correlationId, resolve);
        channel.sendToQueue(values.queue, Buffer.from(n), { correlationId, replyTo: callbackQueue });
      }),
  );
  for (const [i, answer] of answers.entries()) {
    console.log(` [x] Requesting fib(${positionals[i]})\n [.] Got ${await answer}`);
  }
  clearTimeout(late);
  await connection.close();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
