#!/usr/bin/perl
# A server of the kind that RabbitMQ's RPC tutorial describes, on AnyEvent::RabbitMQ, which
# reads and writes frames with Net::AMQP.
#
# It takes one request at a time, computes fib(body) the slow way, replies to reply_to with the
# request's correlation ID, and acks after that. The broker is AMQP_URL's.
use strict;
use warnings;

use AnyEvent;
use AnyEvent::RabbitMQ;
use Getopt::Long;

$| = 1;
my ($queue, $declare, $name, $sign);
GetOptions('queue=s' => \$queue, 'declare=s' => \$declare, 'name=s' => \$name, 'sign' => \$sign)
    && $queue && ($declare // '') eq 'quorum' or die "usage: $0 --queue QUEUE --declare quorum [--name NAME] [--sign]\n";
my ($user, $password, $host, $port) = $ENV{AMQP_URL} =~ m{^amqp://(.+):(.+)@(.+):(\d+)/?$} or die "AMQP_URL cannot be used\n";

sub fib { my ($n) = @_; return $n < 2 ? $n : fib($n - 1) + fib($n - 2) }

# done waits for the outcome of a method, which is given on_success and on_failure.
sub done {
    my ($object, $method, %args) = @_;
    my $outcome = AnyEvent->condvar;
    $object->$method(
        %args,
        on_success => sub { $outcome->send($_[0]) },
        on_failure => sub { $outcome->croak("$method: $_[0]") },
    );
    return $outcome->recv;
}

my $finished = AnyEvent->condvar;
my $signal = AnyEvent->signal(signal => 'TERM', cb => sub { $finished->send });
my $connection = AnyEvent::RabbitMQ->new->load_xml_spec;
done(
    $connection, 'connect',
    host => $host, port => $port, user => $user, pass => $password, vhost => '/', timeout => 30,
    on_read_failure => sub { $finished->croak("cannot read: $_[0]") },
    on_close => sub { $finished->croak('the broker closed the connection') },
);
# Frames are written one by one: without this each reply waits for TCP's delayed ack. The option nodelay
# of connect does nothing.
$connection->{_handle}->no_delay(1);
my $channel = done($connection, 'open_channel', on_close => sub { $finished->croak('the broker closed the channel') });
done($channel, 'declare_queue', queue => $queue, durable => 1, arguments => { 'x-queue-type' => 'quorum' });
done($channel, 'qos', prefetch_count => 1);
done(
    $channel, 'consume',
    queue => $queue, no_ack => 0,
    on_consume => sub {
        my ($request) = @_;
        my $n = int $request->{body}->payload;
        print " [.] fib($n)\n";
        my %reply = (correlation_id => $request->{header}->correlation_id);
        $reply{app_id} = $name if $sign;
        $channel->publish(routing_key => $request->{header}->reply_to, body => fib($n), header => \%reply);
        $channel->ack(delivery_tag => $request->{deliver}->method_frame->delivery_tag);
    },
);
print " [x] Awaiting RPC requests\n";
$finished->recv;
