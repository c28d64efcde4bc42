package im

import (
	"context"

	"example.org/im/clients/go/internal/plain"
)

const (
	grant         = 16
	partsBuffered = 64 // more than a worker may send
)

// Stream is an answer in parts: for stream.Next() { stream.Decode(&part) }, then Err. It belongs to one goroutine.
type Stream struct {
	caller *Caller
	call   *call
	ctx    context.Context
	cancel context.CancelFunc
	result chan struct{}
	reply  *Reply
	err    error
	part   []byte
	read   uint32
}

// Stream calls a method that answers in parts. A slow reader slows the worker. Close it, or read it to its end.
func (c *Caller) Stream(
	ctx context.Context, service, method string, input any, options *CallOptions,
) (*Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	call, err := c.begin(ctx, plain.Message{Service: service, Method: method, Stream: true}, input, options)
	if err != nil {
		cancel()
		return nil, err
	}
	stream := &Stream{caller: c, call: call, ctx: ctx, cancel: cancel, result: make(chan struct{})}
	go func() {
		stream.reply, stream.err = c.wait(ctx, call)
		cancel()
		close(stream.result)
	}()
	return stream, nil
}

// Next waits for the next part; false at the end.
func (s *Stream) Next() bool {
	select {
	case s.part = <-s.call.parts:
	default:
		select {
		case s.part = <-s.call.parts:
		case <-s.result:
			// What came before the end comes first.
			select {
			case s.part = <-s.call.parts:
			default:
				return false
			}
		}
	}
	if s.read++; s.read%grant == 0 {
		s.caller.grant(s.call, grant)
	}
	return true
}

// Bytes is the part that Next came to.
func (s *Stream) Bytes() []byte {
	return s.part
}

// Decode puts the value of the part that Next came to into what target points at.
func (s *Stream) Decode(target any) error {
	return decode(s.part, target, CodeInvalidOutput)
}

// Err is what the call failed with, once Next is false.
func (s *Stream) Err() error {
	<-s.result
	return s.err
}

// Reply is what followed the parts, once Next is false; nil if the call failed.
func (s *Stream) Reply() *Reply {
	<-s.result
	return s.reply
}

// Close cancels what is not read to its end.
func (s *Stream) Close() {
	s.cancel()
	<-s.result
}

func (c *Caller) grant(call *call, count uint32) {
	c.mu.Lock()
	session, id := call.session, call.id
	isOpen := c.calls[id] == call
	c.mu.Unlock()
	if isOpen && session != nil {
		session.sendBy(plain.Message{Kind: "more", ID: &id, Count: &count}, call.deadline)
	}
}
