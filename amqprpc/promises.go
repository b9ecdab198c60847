/*
# What is promised

Each promise names the tests that hold it (TestPromisesAreTested holds this list). Those that
need a broker run on the in-process one and on RabbitMQ, or on RabbitMQ alone for what only it
can do. Everything else is an accident, and what one might take for promised and is not is
listed at the end.

# Promised: outcomes and replies

  - A call that has begun ends in exactly one [Outcome], whatever becomes of connections,
    servers and brokers. Held by TestManyConcurrentCalls, TestLossUnderLoad,
    TestCloseAmongCalls.
  - The [Observer] is told of everything in one order, in which the conservation laws hold at
    every event, and the times do not go back. Held by TestLossUnderLoad, TestCloseAmongCalls,
    TestEventTimesGrow, amqprpc/ledger.TestAnyOrderOfEventsKeepsTheLaws.
  - Every message on the callback queue is of exactly one [Class]: the first reply to a call
    that waits is its answer; one to a call that has its answer is a duplicate; one to a call
    that ended without is late; all others are unknown. Held by TestDuplicateReplies,
    TestDuplicateAfterErrorReply, TestLateReplies, TestUnknownReplies, TestClassification.
  - A reply ends no call but that of its correlation ID, and never a second one. A foreign or
    hostile reply ends none. Held by TestUnknownReplies, TestFlood, FuzzHostileMessage.
  - A reply to an earlier attempt is the answer too, if it comes while the call waits. Held by
    TestAnswerToAnEarlierAttempt.
  - A call that has been forgotten (see Remember) makes of its later replies unknown ones, and
    never anything else. Held by TestForgottenReplies.
  - A server's error is a [*RemoteError], of a canonical code, and with at most 1,024 bytes of
    text. Held by TestHandlerErrors, TestErrorReplyOnTheWire, TestRemoteErrorOfHostileReplies.
  - A request that comes back from a dead-letter queue is no answer: the call ends as expired
    or rejected. Held by TestExpiredInTheQueue, TestDeadLetteredAfterTheDeadline.

# Promised: delivery

  - Without [Retry] a request is published at most once, also where it is idempotent. Held by
    TestPublishedOnce.
  - With Retry it is published at most Attempts times, under one correlation ID and within its
    deadline: after a return always; after a lost connection or a nack only where it is
    Idempotent. As long as attempts and time are left it is published at least once more. Held
    by TestRetryIsBounded, TestLossUnderLoad, TestRetryUntilTheQueueAppears, TestNack.
  - A request that was not yet published when the connection was lost waits for the next one:
    that is no retry. Held by TestConnectionLoss, TestMemoryAlarm.
  - [ErrNotExecuted] holds only where no server has executed the request, nor will: it never
    left, or the broker returned it from each attempt. It does not hold for what is merely not
    known. Held by TestNotExecutedIsTrue, TestConnectionLoss, TestNotBegunIsNotExecuted,
    TestConfirmsWithheld.
  - A queue that does not exist is [ErrUnroutable] at once; with NoMandatory it is noticed by
    the deadline only. Held by TestUnroutableAtOnce, TestReturnsAmongAnswers, TestNoMandatory.
  - A request that the broker refuses is [ErrRejected] at once, unless Retry sends it again; a
    server may have executed it nevertheless, see below. Held by TestNack, TestAllRefused.
  - What AMQP cannot carry never reaches a connection, nor does a queue's name with control
    characters: it is [ErrInvalidRequest]. Held by TestInvalidRequests, TestQueueNames,
    TestCheckHeaders, TestDangerousHeaders.
  - A [Request.Persistent] request in a durable queue outlives the broker's restart once it is
    confirmed (EventConfirmed), and may be executed after its call has failed. Held by
    TestPersistentRequestOutlivesTheBroker.

# Promised: deadlines

  - A call ends at its deadline, whatever the broker does: while disconnected, blocked by an
    alarm, without room, its confirm withheld, or stuck in a socket write. Held by
    TestConnectionLoss, TestMemoryAlarm, TestWaitingForRoom, TestConfirmsWithheld,
    TestStuckWrite.
  - The deadline is the earlier of the context's and the request's Timeout, else the client's.
    A context that is canceled ends the call. A wall clock that is set moves no deadline of
    a call that has begun. Held by TestWhichDeadlineHolds, TestCancel,
    TestContextThatHasEnded, TestEndlessTimeouts, TestDeadlinesAreMonotonic.
  - It travels with the request: relative, as expiration, never less than what is left at the
    publish, so that the broker drops it from the queue; absolute, as x-rpc-deadline, so that
    a server drops it and ends the handler's context. Held by TestDeadlineTravels,
    TestTimeoutAndNeverComputed, TestDeadlineReachesTheHandler.
  - A reply that is taken off the callback queue at the deadline or after it is late, even
    where the client, suspended or busy, had not yet ended the call. Held by
    TestReplyAroundTheDeadline, TestLateAfterALateAlarm, TestLateAfterTheContext.

# Promised: connections

  - [Dial] blocks at most DialTimeout for each URL, and its errors hold no password. Held by
    TestDialIsBounded, TestDialTimeoutBoundsHandshakes, TestDialErrors.
  - A lost connection, or callback queue, fails the calls in flight on it at once, as
    [ErrConnectionLost], or they are sent again as Retry says. Held by TestConnectionLoss,
    TestRetryIsBounded.
  - Once connected, client and server reconnect until they are closed, to any of their URLs; the
    client has a new callback queue then. Held by TestConnectionLoss, TestServerReconnects, TestSeveralURLs.
  - Each reconnect tries every URL once, beginning after the one that was lost: a node that hangs
    holds it up only where no other answers. Held by TestReconnectsBeginAtTheNextURL.
  - A user without the permission to publish is told so by each call ([*PermissionError]), and
    costs the broker a connection after ever longer waits, as Backoff says. Held by TestDenied,
    TestDeniedClientBacksOff.
  - A connection on which the broker refuses all requests, three at least, for 3 s is given up for
    another, the next one after twice as long, and so on up to a minute; an ack or a reply
    ends that. It costs no call: those refused end or are retried as ever, and while
    one waits that the broker may have taken, the connection is kept. Held by TestRefusals,
    TestRefusalsBackOff, TestRefusalsUnderWay, TestAllRefused, amqprpc/cluster.TestKill.
  - [Client.Close] ends the calls in flight as [ErrClosed], returns within seconds and leaves
    no goroutine; no event comes after it; later calls fail at once. Held by
    TestCloseAmongCalls, TestCloseWhileDisconnected, TestMemoryAlarm.

# Promised: servers

  - A request is acked only after the broker has confirmed its reply, or has said that nobody
    is left to take it. A server that dies before that causes a redelivery
    ([Request.Redelivered]), and perhaps a duplicate, but no loss. Held by TestAckComesLast,
    TestUndeliverableReplies, cmd/internal/fibserver.TestEndedInMidWork.
  - Whatever a handler returns, or if it panics or ends its goroutine, the caller gets a reply,
    the request is acked, and the server lives. Held by TestHandlerErrors,
    TestGoexitInHandler, TestHandlerFailuresAreLogged.
  - A request without a usable reply_to is rejected and not requeued; one whose deadline has
    passed is dropped; a hostile one, in body, properties or headers, is answered or
    dropped, and is not redelivered for ever. Held by TestNoReplyTo,
    TestNoReplyToIsDeadLettered, TestHostileReplyTo, TestHostileRequests,
    TestDeadlineReachesTheHandler, cmd/interop.TestPoisonousRequest.
  - Where the broker refuses a reply its request is given back, unless it had been delivered
    before: then it is acked. Held by cmd/internal/fibserver.TestNackedReplyIsLogged.
  - Never more than Prefetch requests are in a server's hands on one connection, and never more
    than Concurrency handlers run, over all its connections. Held by TestPrefetchIsFairness,
    TestServerReconnects.
  - [Server.Shutdown] loses nothing: running handlers finish, their replies are confirmed and
    acked, what no handler has begun goes back at once, or within 0.2 s where it is more than
    64 requests. Servers that are replaced one after the other so, under a load, cost no call
    and make no duplicate. Held by TestShutdownDrains, TestShutdownGivesManyBack,
    TestGiveBackFrames, cmd/internal/fibserver.TestRollingRestart.
  - A Shutdown whose context ends first cancels the handlers; what is not acked goes back, and
    another server answers it. Held by TestShutdownOutOfTime,
    cmd/internal/fibserver.TestEndedInMidWork.
  - With Replay a server answers a request that it has answered before from memory: the same
    correlation ID and the same body. Held by TestReplay.
  - The Observer of a server is told of each request once, when it gets a slot, and once of its
    end. Held by TestServerEvents.
  - [LogObserver] logs what happens under stable names, requests with what identifies them.
    Held by TestLogObserver, TestHandlerFailuresAreLogged,
    cmd/internal/fibserver.TestRequestsAreLogged, cmd/internal/fibserver.TestReconnectIsLogged.

# Promised: bounds

  - Calls, and with them the requests in memory, are bounded by MaxInFlight: beyond it callers
    wait, or fail with [ErrTooManyInFlight]. Held by TestWaitingForRoom, TestFailWhenFull.
  - A call that has ended leaves nothing of its request in memory, even where it was waiting for
    a retry or a connection; what is remembered of it is about 200 bytes. Held by
    TestRetriesHoldNoMemory, TestOutbox, TestFlood.
  - What is remembered of ended calls is bounded by Remember and RememberFor; stored replies by
    Replay and ReplayFor. The oldest are forgotten first. Held by TestMemory,
    TestForgottenReplies.
  - What a server remembers of acks is bounded by the requests under way, however long one of
    them takes. Held by TestAckOrderForgets.
  - A flood of foreign replies costs no memory that stays, and no call. Held by TestFlood.
  - Bodies that are sent are bounded by MaxMessage, headers by 64 KiB. Held by
    TestInvalidRequests, TestCheckHeaders, TestHandlerErrors.
  - About 4,096 publishes may be unconfirmed. A queue that withholds its confirms, for want of
    a majority say, holds up calls to other queues then; the connection lives. Held by
    TestConfirmsWithheld.
  - Replies that come faster than they are looked at wait at the broker, and not in the client,
    which reads its socket no faster. Held by TestRepliesWaitAtTheBroker.
  - Headers that are nested over 32 levels, or have over 8,192 fields in one table, are lost,
    and neither the message nor the connection. Held by TestTame, cmd/interop.TestPoisonousRequest,
    cmd/interop.TestPoisonousReply.

# Promised: order

  - Requests of one goroutine to one queue reach it in the order of their calls, as long as
    none is sent again. Held by TestRequestsKeepTheirOrder.

# Not promised

  - Execution exactly once. A request may be executed twice: after a redelivery, or a retry.
    Nor is it executed at least once, as a call that fails may not have been. Only an answer
    says that it was, at least once.
  - That a request which the broker has nacked was not executed. RabbitMQ says no more by a nack
    than that it takes no responsibility: a queue's process has failed, or the queue is full. One
    that fails between a delivery and its confirm has delivered (persistent messages of
    classic queues are delivered before they are confirmed, mostly), and a quorum queue whose
    channel finds no leader may have the message in its log. The broker gives no reason
    by which to tell a full queue, which has it not, from these. So [ErrNotExecuted] does not
    hold, and Retry sends only what is Idempotent again, also while everything is
    nacked, before that connection is given up.
  - Any other order: of execution, with several servers or Concurrency above 1; of replies;
    of requests of different goroutines, or sent again, or given back by a server.
  - That no duplicate is missed: a second reply to a forgotten call is unknown, one to the
    callback queue of a lost connection is lost.
  - Replies to a client that is closed, or has lost its connection: they go with its callback
    queue.
  - A transient request, the default, across a restart of the broker.
  - That a request which kills its server is not redelivered: for ever on classic queues, up to
    the delivery limit on quorum queues (20 on RabbitMQ 4, none before).
  - That a caller is told of a reply which the broker has refused to the last: its call times
    out.
  - That a handler ends: one that ignores its context outlives Shutdown and keeps its slot.
  - That the clocks of two machines agree: x-rpc-deadline trusts that they do, to much less than
    the timeout. Where they do not, requests are dropped early, or handled for nobody.
  - A bound on the requests in a server's memory where its Prefetch is negative.
  - A connection that outlives an Observer which blocks for three heartbeats: until it returns,
    nothing is read.
  - That a log is bounded: callers can cause any number of events.
*/
package amqprpc
