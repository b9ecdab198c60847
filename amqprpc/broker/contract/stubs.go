package contract

var expirationTests, quorumTests, strangerTests, frameTests, contentViolationTests, methodViolationTests []test
