# A client of the kind that RabbitMQ's RPC tutorial describes, on bunny.
#
# It has one exclusive callback queue, and asks for all its Fibonacci numbers at once. It
# prints the answers in the order of its arguments. The broker is AMQP_URL's.

require "bunny"
require "optparse"
require "securerandom"

$stdout.sync = true
PATIENCE = 30 # seconds for one reply

queue = nil
ns = OptionParser.new { |o| o.on("--queue QUEUE") { |v| queue = v } }.parse!
abort "usage: #{$PROGRAM_NAME} --queue QUEUE N..." if queue.nil? || ns.empty?

# bunny takes the path "/" for a virtual host with the empty name.
connection = Bunny.new(ENV.fetch("AMQP_URL").chomp("/"), recover_from_connection_close: false)
connection.start
channel = connection.create_channel
callback_queue = channel.queue("", exclusive: true)
waiting = {}
callback_queue.subscribe do |_delivery, properties, body|
  answer = waiting[properties.correlation_id]
  answer&.push(body)
end

calls = ns.map do |n|
  id = SecureRandom.uuid
  waiting[id] = Queue.new
  channel.default_exchange.publish(n, routing_key: queue, correlation_id: id, reply_to: callback_queue.name)
  [n, waiting[id]]
end
calls.each do |n, answer|
  puts " [x] Requesting fib(#{n})"
  deadline = Time.now + PATIENCE
  while answer.empty?
    abort "no reply for fib(#{n}) within #{PATIENCE} s" if Time.now > deadline
    sleep 0.001
  end
  puts " [.] Got #{answer.pop}"
end
connection.close
