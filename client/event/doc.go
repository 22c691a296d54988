// Package event has what can happen in a chat: the items that a chat consists of, and
// the events that a session of package client tells, each of a type of its own.
package event
