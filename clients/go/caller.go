// Package im calls services and serves them, over ZeroMQ, in the plain form of docs/rpc.md.
package im

import (
	"context"
	"math"
	"sync"
	"time"

	"example.org/im/clients/go/internal/plain"
)

const (
	defaultTimeout = 10 * time.Second
	maxTimeout     = time.Hour
	maxOpenCalls   = 65_536
	// endingTime is how long the broker may take to say whether a call that ends had been handed out.
	endingTime = 250 * time.Millisecond
)

// CallerOptions say where brokers are.
type CallerOptions struct {
	// Brokers are addresses of the callers' ports, "tcp://127.0.0.1:7401"; calls go to those that live, in turns.
	Brokers []string
	// MaxBodyBytes is 1 MiB if left out.
	MaxBodyBytes int
}

// CallOptions say how a call is made; nil is as good as empty. The deadline is the context's, 10 s without one.
type CallOptions struct {
	// Idempotent says that carrying the call out twice is harmless: it is repeated when a worker or broker is lost.
	Idempotent bool
	// Key is an idempotency key: a worker answers calls of one key once and repeats that answer.
	Key string
	// Route is a routing key: calls of one key go to one worker.
	Route string
	// Headers are JSON values beside the input, at most 8 KiB.
	Headers map[string]any
	// Trace is a W3C traceparent; without one, that of the handler whose context this is.
	Trace string
}

// Caller calls services. Keep one for the life of the process; any goroutine may use it.
type Caller struct {
	links        []*link
	maxBodyBytes int

	mu      sync.Mutex
	calls   map[uint32]*call
	waiting []*call // those without a broker, in order; also some that have ended since
	lastID  uint32
	turn    int
	ups     int // how often a broker came up
	closed  bool
}

// call belongs to the caller's lock; its outcome is there once done is closed.
type call struct {
	message  plain.Message
	deadline time.Time
	id       uint32
	session  *session // nil: it waits for a broker
	refusals int
	parts    chan []byte
	hasParts bool // a part has come: it must not be repeated
	done     chan struct{}
	reply    *Reply
	err      error
}

// NewCaller needs no broker to be up: calls wait for one until their deadlines.
func NewCaller(options CallerOptions) (*Caller, error) {
	caller := &Caller{maxBodyBytes: options.MaxBodyBytes, calls: map[uint32]*call{}}
	if caller.maxBodyBytes == 0 {
		caller.maxBodyBytes = defaultMaxBodyBytes
	}
	links, err := newLinks(options.Brokers, caller.maxBodyBytes, linkEvents{
		onUp: func(*session) { caller.sendWaiting() }, onDown: caller.lose, onMessage: caller.take,
	})
	if err != nil {
		return nil, err
	}
	caller.links = links
	for _, link := range links {
		go link.run()
	}
	return caller, nil
}

// Call calls a method and puts the value that it answers into what output points at; both may be nil. A []byte as input is
// sent as it is, anything else as JSON.
//
// It fails with an *Error: whatever the worker returned, or what happened on the way. What has Details["handedOut"] false was
// never carried out, anything else may have been.
func (c *Caller) Call(ctx context.Context, service, method string, input, output any, options *CallOptions) error {
	reply, err := c.Do(ctx, service, method, input, options)
	if err != nil {
		return err
	}
	return reply.Decode(output)
}

// Do is Call for those who want the bytes and headers of the answer.
func (c *Caller) Do(ctx context.Context, service, method string, input any, options *CallOptions) (*Reply, error) {
	call, err := c.begin(ctx, plain.Message{Service: service, Method: method}, input, options)
	if err != nil {
		return nil, err
	}
	return c.wait(ctx, call)
}

// Close fails what is open with CodeClosed.
func (c *Caller) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	for _, call := range c.calls {
		c.settle(call, nil, NewError(CodeClosed, "", nil))
	}
	for _, link := range c.links {
		link.close()
	}
}

func (c *Caller) begin(ctx context.Context, message plain.Message, input any, options *CallOptions) (*call, error) {
	if options == nil {
		options = &CallOptions{}
	}
	body, err := encode(input, CodeInvalidArgument)
	if err != nil {
		return nil, err
	}
	if err := checkSizes(body, options.Headers, c.maxBodyBytes); err != nil {
		return nil, err
	}
	message.Kind, message.Body = "call", body
	message.Idempotent, message.Key, message.Route = options.Idempotent, options.Key, options.Route
	message.Headers, message.Trace = options.Headers, options.Trace
	if message.Trace == "" {
		message.Trace, _ = ctx.Value(traceKey{}).(string)
	}
	now := time.Now()
	deadline, found := ctx.Deadline()
	if !found {
		deadline = now.Add(defaultTimeout)
	} else if deadline.After(now.Add(maxTimeout)) {
		deadline = now.Add(maxTimeout)
	}
	if err := ctx.Err(); err == context.Canceled {
		return nil, handedOut(CodeCancelled, false, err)
	} else if err != nil || !deadline.After(now) {
		return nil, handedOut(CodeDeadlineExceeded, false, context.DeadlineExceeded)
	}
	begun := &call{message: message, deadline: deadline, done: make(chan struct{})}
	if message.Stream {
		begun.parts = make(chan []byte, partsBuffered)
	}
	c.mu.Lock()
	if c.closed || len(c.calls) >= maxOpenCalls {
		defer c.mu.Unlock()
		if c.closed {
			return nil, NewError(CodeClosed, "", nil)
		}
		return nil, NewError(CodeQueueFull, "", map[string]any{"limit": "open calls"})
	}
	c.number(begun)
	c.mu.Unlock()
	c.dispatch(begun, nil)
	return begun, nil
}

// wait gives the outcome, and ends the call when its time is up or its context is done.
func (c *Caller) wait(ctx context.Context, call *call) (*Reply, error) {
	timer := time.NewTimer(time.Until(call.deadline))
	defer timer.Stop()
	select {
	case <-call.done:
	case <-ctx.Done():
		c.end(call, ctx.Err())
	case <-timer.C:
		c.end(call, context.DeadlineExceeded)
	}
	return call.reply, call.err
}

// end returns when the call is done.
func (c *Caller) end(call *call, cause error) {
	c.mu.Lock()
	session, id := call.session, call.id
	c.mu.Unlock()
	code, message := CodeCancelled, plain.Message{Kind: "cancel", ID: &id}
	if cause == context.DeadlineExceeded {
		code, message.Reason = CodeDeadlineExceeded, "deadline"
	}
	until := time.Now().Add(endingTime)
	if session != nil && session.sendBy(message, until) && code == CodeDeadlineExceeded {
		// The broker knows whether a worker had it.
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		select {
		case <-call.done:
			return
		case <-timer.C:
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(call, nil, handedOut(code, session != nil, cause))
}

// number is called with the lock.
func (c *Caller) number(call *call) {
	delete(c.calls, call.id)
	for {
		c.lastID++
		if _, taken := c.calls[c.lastID]; !taken {
			break
		}
	}
	call.id = c.lastID
	c.calls[call.id] = call
}

// dispatch sends a call that waits to a broker that lives, or leaves it waiting for one.
func (c *Caller) dispatch(call *call, except *session) bool {
	c.mu.Lock()
	ups := c.ups
	c.turn = (c.turn + 1) % len(c.links)
	first := c.turn
	c.mu.Unlock()
	for step := range c.links {
		turn := (first + step) % len(c.links)
		session := c.links[turn].session()
		if session == nil || session == except {
			continue
		}
		c.mu.Lock()
		if call.session != nil || c.calls[call.id] != call {
			c.mu.Unlock()
			return true
		}
		id, left := call.id, uint32(math.Max(1, math.Ceil(float64(time.Until(call.deadline))/1e6)))
		call.session, c.turn = session, turn
		message := call.message
		message.ID, message.TimeoutMs = &id, &left
		c.mu.Unlock()
		if session.sendBy(message, call.deadline) {
			return true
		}
		c.mu.Lock()
		if call.session == session && call.id == id {
			call.session = nil
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	if call.session != nil || c.calls[call.id] != call || except != nil {
		c.mu.Unlock()
		return false
	}
	if c.ups != ups {
		// A broker came up meanwhile, and found this one not waiting.
		c.mu.Unlock()
		return c.dispatch(call, nil)
	}
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, call)
	if len(c.waiting) > 2*len(c.calls) {
		c.forgetEnded()
	}
	return false
}

// forgetEnded is called with the lock.
func (c *Caller) forgetEnded() {
	open := make([]*call, 0, len(c.calls))
	for _, call := range c.waiting {
		if c.calls[call.id] == call {
			open = append(open, call)
		}
	}
	c.waiting = open
}

func (c *Caller) sendWaiting() {
	c.mu.Lock()
	c.ups++
	waiting := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for _, call := range waiting {
		c.dispatch(call, nil)
	}
}

func (c *Caller) take(from *session, message plain.Message) {
	if message.ID == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.calls[*message.ID]
	if call == nil || call.session != from {
		return
	}
	switch message.Kind {
	case "part":
		if call.parts == nil {
			return
		}
		call.hasParts = true
		select {
		case call.parts <- message.Body:
		default:
			id := call.id
			go from.sendBy(plain.Message{Kind: "cancel", ID: &id}, time.Now().Add(endingTime))
			c.settle(call, nil, NewError(CodeInternal, "the worker sent more parts than it was granted", nil))
		}
	case "reply":
		c.settle(call, &Reply{Body: message.Body, Headers: message.Headers}, nil)
	case "error":
		failure := errorOf(message)
		if c.isElsewhere(call, failure) {
			call.session = nil
			c.number(call)
			go func() {
				if !c.dispatch(call, from) {
					c.fail(call, failure)
				}
			}()
			return
		}
		c.settle(call, nil, failure)
	}
}

// isElsewhere: one broker has no worker for it now; another one may. A worker's own error of that name stands. Called with the
// lock.
func (c *Caller) isElsewhere(call *call, failure *Error) bool {
	isRefusal := failure.Details["handedOut"] == false &&
		(failure.Code == CodeUnavailable || failure.Code == CodeServiceUnknown)
	if !isRefusal || call.message.Service == "$broker" {
		return false
	}
	call.refusals++
	return call.refusals < len(c.links)
}

func (c *Caller) lose(lost *session) {
	var again []*call
	c.mu.Lock()
	for _, call := range c.calls {
		if call.session != lost {
			continue
		}
		if call.hasParts || !call.message.Idempotent && call.message.Key == "" {
			details := map[string]any{"handedOut": true, "lost": "broker"}
			c.settle(call, nil, NewError(CodeCallLost, "", details))
			continue
		}
		call.session = nil
		again = append(again, call)
	}
	for _, call := range again {
		c.number(call)
	}
	c.mu.Unlock()
	for _, call := range again {
		c.dispatch(call, nil)
	}
}

func (c *Caller) fail(call *call, failure *Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(call, nil, failure)
}

// settle is called with the lock.
func (c *Caller) settle(call *call, reply *Reply, err error) {
	if c.calls[call.id] != call {
		return
	}
	delete(c.calls, call.id)
	call.reply, call.err = reply, err
	close(call.done)
}
