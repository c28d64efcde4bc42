package im

import (
	"errors"
	"math/rand"
	"sync"
	"time"

	"example.org/im/clients/go/internal/plain"
	"example.org/im/clients/go/internal/zmtp"
)

const (
	pingInterval   = time.Second
	silenceLimit   = 4 * time.Second
	reconnectDelay = 100 * time.Millisecond
	reconnectLimit = time.Second
	marginBytes    = 131_072 // of a frame beyond a body: headers, names and details of errors are smaller
)

// session is one connection to a broker, from its handshake to its loss.
type session struct {
	dealer *zmtp.Dealer
}

// send reports whether it was written. If it was not, the session is at its end, which its owner is told.
func (s *session) send(message plain.Message) bool {
	return s.sendBy(message, time.Time{})
}

// sendBy is send, except that it gives up when that time has passed, and that the session stays if nothing was written by then.
func (s *session) sendBy(message plain.Message, by time.Time) bool {
	frames, err := plain.Encode(message)
	return err == nil && s.dealer.Send(frames, by) == nil
}

// refuse answers a malformed call, for its place at the worker must not stay taken. What else is malformed is passed over.
func (s *session) refuse(malformed *plain.MalformedError) {
	if malformed.Kind != "call" || malformed.ID == nil {
		return
	}
	details := map[string]any{"handedOut": false, "reason": malformed.Reason}
	s.send(errorMessage(malformed.ID, NewError(CodeMalformed, "", details)))
}

type linkEvents struct {
	onUp      func(*session)
	onDown    func(*session)
	onMessage func(*session, plain.Message)
}

// link keeps a session with one broker: opens it, asks each second whether the broker lives, opens another when it does not.
type link struct {
	address  string
	maxFrame int
	events   linkEvents
	stop     chan struct{}

	mu      sync.Mutex
	current *session
}

func newLinks(brokers []string, maxBodyBytes int, events linkEvents) ([]*link, error) {
	if len(brokers) == 0 {
		return nil, NewError(CodeConfigInvalid, "brokers: at least one address", nil)
	}
	links := make([]*link, 0, len(brokers))
	for _, address := range brokers {
		if _, _, err := zmtp.SplitAddress(address); err != nil {
			return nil, NewError(CodeConfigInvalid, err.Error(), map[string]any{"address": address})
		}
		links = append(links, &link{
			address: address, maxFrame: maxBodyBytes + marginBytes, events: events, stop: make(chan struct{}),
		})
	}
	return links, nil
}

// session is nil while no broker is there.
func (l *link) session() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// run returns after close.
func (l *link) run() {
	delay := reconnectDelay
	for {
		dealer, err := zmtp.Dial(l.address, l.maxFrame)
		if err == nil {
			if delay = reconnectDelay; !l.converse(&session{dealer}) {
				return
			}
		}
		jittered := delay/2 + time.Duration(rand.Int63n(int64(delay)))
		select {
		case <-l.stop:
			return
		case <-time.After(jittered):
		}
		if delay *= 2; delay > reconnectLimit {
			delay = reconnectLimit
		}
	}
}

// converse takes messages until the session ends; false when it was closed.
func (l *link) converse(current *session) bool {
	heard := make(chan struct{}, 1)
	ended := make(chan struct{})
	go watch(current, heard, ended, l.stop)
	l.mu.Lock()
	l.current = current
	l.mu.Unlock()
	l.events.onUp(current)
	for {
		frames, err := current.dealer.Receive()
		if err != nil {
			break
		}
		select {
		case heard <- struct{}{}:
		default:
		}
		message, err := plain.Decode(frames)
		var malformed *plain.MalformedError
		if err == nil {
			l.events.onMessage(current, message)
		} else if errors.As(err, &malformed) {
			current.refuse(malformed)
		}
	}
	close(ended)
	_ = current.dealer.Close()
	l.mu.Lock()
	l.current = nil
	l.mu.Unlock()
	l.events.onDown(current)
	select {
	case <-l.stop:
		return false
	default:
		return true
	}
}

// watch pings, and closes a session whose broker is silent or that is not wanted any more.
func watch(current *session, heard, ended, stop <-chan struct{}) {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	heardAt := time.Now()
	for {
		select {
		case <-heard:
			heardAt = time.Now()
		case <-ticker.C:
			if time.Since(heardAt) >= silenceLimit {
				_ = current.dealer.Close()
				return
			}
			// A broker that takes nothing must not keep us from seeing that it is silent.
			current.sendBy(plain.Message{Kind: "ping"}, time.Now().Add(pingInterval))
		case <-stop:
			current.sendBy(plain.Message{Kind: "bye"}, time.Now().Add(pingInterval))
			_ = current.dealer.Close()
			return
		case <-ended:
			return
		}
	}
}

func (l *link) close() {
	close(l.stop)
}
