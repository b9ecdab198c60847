// Package broker is an in-process AMQP 0-9-1 broker for RPC.
package broker
