#!/usr/bin/perl
# A client of the kind that RabbitMQ's RPC tutorial describes, on AnyEvent::RabbitMQ, which
# reads and writes frames with Net::AMQP.
#
# It has one exclusive callback queue, and asks for all its Fibonacci numbers at once. It
# prints the answers in the order of its arguments. The broker is AMQP_URL's.
use strict;
use warnings;

use AnyEvent;
use AnyEvent::RabbitMQ;
use Getopt::Long;

$| = 1;
my $queue;
GetOptions('queue=s' => \$queue)
    && $queue && @ARGV or die "usage: $0 --queue QUEUE N...\n";
my ($user, $password, $host, $port) = $ENV{AMQP_URL} =~ m{^amqp://(.+):(.+)@(.+):(\d+)/?$} or die "AMQP_URL cannot be used\n";

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
my $giving_up = AnyEvent->timer(after => 30, cb => sub { $finished->croak('not all replies within 30 s') });
my $connection = AnyEvent::RabbitMQ->new->load_xml_spec;
done(
    $connection, 'connect',
    host => $host, port => $port, user => $user, pass => $password, vhost => '/', timeout => 30,
    on_read_failure => sub { $finished->croak("cannot read: $_[0]") },
    on_close => sub { $finished->croak('the broker closed the connection') },
);
my $channel = done($connection, 'open_channel', on_close => sub { $finished->croak('the broker closed the channel') });
my $callback_queue = done($channel, 'declare_queue', exclusive => 1)->method_frame->queue;

my %answers;
done(
    $channel, 'consume',
    queue => $callback_queue, no_ack => 1,
    on_consume => sub {
        my ($reply) = @_;
        my $id = $reply->{header}->correlation_id;
        return if !defined $id || $id !~ /^perl-$$-(\d+)$/;
        $answers{$1} = $reply->{body}->payload;
        $finished->send if keys %answers == @ARGV;
    },
);
for my $i (0 .. $#ARGV) {
    $channel->publish(
        routing_key => $queue, body => $ARGV[$i],
        header => { reply_to => $callback_queue, correlation_id => "perl-$$-$i" },
    );
}
$finished->recv;
for my $i (0 .. $#ARGV) {
    print " [x] Requesting fib($ARGV[$i])\n [.] Got $answers{$i}\n";
}
