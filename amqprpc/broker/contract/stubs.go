package contract

var consumeTests, prefetchTests, ackTests, requeueTests, expirationTests, quorumTests, strangerTests, frameTests, contentViolationTests, methodViolationTests []test
