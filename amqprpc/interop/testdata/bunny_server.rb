# A server of the kind that RabbitMQ's RPC tutorial describes, on bunny.
#
# It takes one request at a time, computes fib(body) the slow way, replies to reply_to with
# the request's correlation ID, and acks after that. The broker is AMQP_URL's.

require "bunny"
require "optparse"

$stdout.sync = true

queue, declare, name, sign = nil
OptionParser.new do |o|
  o.on("--queue QUEUE") { |v| queue = v }
  o.on("--declare KIND", ["quorum"]) { |v| declare = v }
  o.on("--name NAME") { |v| name = v }
  o.on("--sign") { sign = true }
end.parse!
abort "usage: #{$PROGRAM_NAME} --queue QUEUE --declare quorum [--name NAME] [--sign]" if queue.nil? || declare.nil?

def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)

# bunny takes the path "/" for a virtual host with the empty name.
connection = Bunny.new(ENV.fetch("AMQP_URL").chomp("/"), recover_from_connection_close: false)
connection.start
channel = connection.create_channel
channel.prefetch(1)
requests = channel.queue(queue, durable: true, arguments: { "x-queue-type" => "quorum" })
busy = Mutex.new
consumer = requests.subscribe(manual_ack: true) do |delivery, properties, body|
  busy.synchronize do
    n = Integer(body)
    puts " [.] fib(#{n})"
    reply = { routing_key: properties.reply_to, correlation_id: properties.correlation_id }
    reply[:app_id] = name if sign
    channel.default_exchange.publish(fib(n).to_s, **reply)
    channel.ack(delivery.delivery_tag)
  end
end
puts " [x] Awaiting RPC requests"

ended = Queue.new
trap("TERM") { ended.push(true) }
ended.pop
consumer.cancel
busy.synchronize {} # until it has acked
connection.close
