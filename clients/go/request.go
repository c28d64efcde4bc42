package im

import (
	"context"
	"sync"

	"example.org/im/clients/go/internal/plain"
)

// firstCredit is how many parts may be sent unasked.
const firstCredit = 32

type traceKey struct{}

// Request is a call as a handler gets it.
type Request struct {
	Service string
	Method  string
	// Body is the input, empty for no value.
	Body    []byte
	Headers map[string]any
	// Trace is a W3C traceparent; calls made with the handler's context pass it on.
	Trace string
	// Key is the idempotency key, Route the routing key; empty for none.
	Key, Route string
	// IsStream says whether the caller takes parts.
	IsStream bool

	ctx          context.Context
	cancel       context.CancelFunc
	session      *session
	id, target   uint32
	maxBodyBytes int

	mu      sync.Mutex
	credit  uint32
	granted chan struct{}
}

// Decode puts the input's value into what target points at; it fails with CodeInvalidInput.
func (r *Request) Decode(target any) error {
	return decode(r.Body, target, CodeInvalidInput)
}

// Send sends a part of the answer; it waits while the caller is slow, and fails when nobody waits any more. Not for several
// goroutines at once.
func (r *Request) Send(part any) error {
	if !r.IsStream {
		return NewError(CodeInvalidArgument, "the caller takes no parts: it did not call Stream", nil)
	}
	body, err := encode(part, CodeInvalidOutput)
	if err != nil {
		return err
	}
	if err := checkSizes(body, nil, r.maxBodyBytes); err != nil {
		return err
	}
	for {
		if err := r.ctx.Err(); err != nil {
			if err == context.DeadlineExceeded {
				return handedOut(CodeDeadlineExceeded, true, err)
			}
			return handedOut(CodeCancelled, true, err)
		}
		r.mu.Lock()
		if r.credit > 0 {
			r.credit--
			r.mu.Unlock()
			break
		}
		r.mu.Unlock()
		select {
		case <-r.granted:
		case <-r.ctx.Done():
		}
	}
	r.session.send(plain.Message{Kind: "part", ID: &r.id, Body: body})
	return nil
}

func (r *Request) grant(count uint32) {
	r.mu.Lock()
	r.credit += count
	r.mu.Unlock()
	select {
	case r.granted <- struct{}{}:
	default:
	}
}
