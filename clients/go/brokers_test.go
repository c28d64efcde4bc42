package im

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.org/im/clients/go/internal/zmtp"
)

const patience = 10 * time.Second

// playedBroker is a ROUTER that says what a test wants, to one peer.
type playedBroker struct {
	t        *testing.T
	listener net.Listener
	address  string
	conn     net.Conn
	reader   *bufio.Reader
}

func newPlayedBroker(t *testing.T) *playedBroker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broker := &playedBroker{t: t, listener: listener, address: "tcp://" + listener.Addr().String()}
	t.Cleanup(func() {
		_ = listener.Close()
		if broker.conn != nil {
			_ = broker.conn.Close()
		}
	})
	return broker
}

func (b *playedBroker) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// accept takes the peer and shakes hands with it.
func (b *playedBroker) accept() {
	b.t.Helper()
	b.must(b.listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	conn, err := b.listener.Accept()
	b.must(err)
	b.conn, b.reader = conn, bufio.NewReader(conn)
	b.must(conn.SetReadDeadline(time.Now().Add(patience)))
	greeting := make([]byte, 64)
	_, err = io.ReadFull(b.reader, greeting)
	b.must(err)
	copy(greeting, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01NULL")
	greeting[32] = 1
	_, err = conn.Write(append(greeting, "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER"...))
	b.must(err)
	_, _, err = b.frame()
	b.must(err)
}

func (b *playedBroker) frame() (flags byte, frame []byte, err error) {
	if flags, err = b.reader.ReadByte(); err != nil {
		return 0, nil, err
	}
	size := make([]byte, 8)
	if flags&2 != 0 {
		_, err = io.ReadFull(b.reader, size)
	} else {
		size[7], err = b.reader.ReadByte()
	}
	if err != nil {
		return 0, nil, err
	}
	frame = make([]byte, binary.BigEndian.Uint64(size))
	_, err = io.ReadFull(b.reader, frame)
	return flags, frame, err
}

// receive gives the next message within that time, nil if there is none.
func (b *playedBroker) receive(within time.Duration) map[string]any {
	b.t.Helper()
	b.must(b.conn.SetReadDeadline(time.Now().Add(within)))
	if _, err := b.reader.Peek(1); err != nil {
		return nil
	}
	b.must(b.conn.SetReadDeadline(time.Now().Add(patience)))
	flags, head, err := b.frame()
	b.must(err)
	for flags&1 != 0 {
		flags, _, err = b.frame()
		b.must(err)
	}
	message := map[string]any{}
	b.must(json.Unmarshal(head, &message))
	if message["kind"] == "ping" {
		b.say(`{"kind":"pong"}`)
	}
	return message
}

// next is the next message of that kind.
func (b *playedBroker) next(kind string) map[string]any {
	b.t.Helper()
	for {
		message := b.receive(patience)
		if message == nil {
			b.t.Fatalf("no %s came", kind)
		}
		if message["kind"] == kind {
			return message
		}
	}
}

func (b *playedBroker) say(text string) {
	b.t.Helper()
	head := make([]byte, 9)
	head[0] = 2
	binary.BigEndian.PutUint64(head[1:], uint64(len(text)))
	_, err := b.conn.Write(append(head, text...))
	b.must(err)
}

func callerOf(t *testing.T, maxBodyBytes int, brokers ...*playedBroker) *Caller {
	t.Helper()
	options := CallerOptions{MaxBodyBytes: maxBodyBytes}
	for _, broker := range brokers {
		options.Brokers = append(options.Brokers, broker.address)
	}
	caller, err := NewCaller(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(caller.Close)
	for _, broker := range brokers {
		broker.accept()
	}
	until := time.Now().Add(patience)
	for _, link := range caller.links {
		for link.session() == nil {
			if time.Now().After(until) {
				t.Fatal("a broker is not up")
			}
			runtime.Gosched()
		}
	}
	return caller
}

// failing makes a call and gives what it fails with.
func failing(ctx context.Context, caller *Caller, input any) <-chan error {
	failed := make(chan error, 1)
	go func() { failed <- caller.Call(ctx, "gift", "send", input, nil, nil) }()
	return failed
}

// outcomeOfTwo is what a call fails with that brokers answer so, and how many brokers got it.
func outcomeOfTwo(t *testing.T, code int, details string) (failure error, answered int) {
	t.Helper()
	brokers := []*playedBroker{newPlayedBroker(t), newPlayedBroker(t)}
	failed := failing(context.Background(), callerOf(t, 0, brokers...), nil)
	for {
		for _, broker := range brokers {
			if message := broker.receive(5 * time.Millisecond); message != nil && message["kind"] == "call" {
				broker.say(fmt.Sprintf(`{"kind":"error","id":%v,"code":%d,"name":"X"%s}`, message["id"], code, details))
				answered++
			}
		}
		select {
		case failure = <-failed:
			return failure, answered
		default:
		}
	}
}

func TestWhatABrokerRefusedGoesToAnother(t *testing.T) {
	for _, code := range []int{CodeUnavailable, CodeServiceUnknown} {
		failure, answered := outcomeOfTwo(t, code, `,"details":{"handedOut":false}`)
		if CodeOf(failure) != code || answered != 2 {
			t.Errorf("%v from %d brokers", failure, answered)
		}
	}
}

func TestAWorkersOwnErrorOfThatNameIsCarriedOutOnce(t *testing.T) {
	for _, code := range []int{CodeUnavailable, CodeServiceUnknown} {
		for _, details := range []string{``, `,"details":{"handedOut":true}`, `,"details":{"handedOut":0}`, `,"details":{"handedOut":{}}`} {
			failure, answered := outcomeOfTwo(t, code, details)
			if CodeOf(failure) != code || answered != 1 {
				t.Errorf("%s: %v from %d brokers", details, failure, answered)
			}
		}
	}
}

func (b *playedBroker) dialled() *session {
	b.t.Helper()
	dialled := make(chan *zmtp.Dealer, 1)
	go func() {
		dealer, _ := zmtp.Dial(b.address, 1_000)
		dialled <- dealer
	}()
	b.accept()
	dealer := <-dialled
	if dealer == nil {
		b.t.Fatal("no connection")
	}
	b.t.Cleanup(func() { _ = dealer.Close() })
	return &session{dealer}
}

// overwhelming is more than sockets take of a peer that does not read.
var overwhelming = make([]byte, 64<<20)

func TestACallFindsTheBrokerThatCameUpWhileItLookedElsewhere(t *testing.T) {
	gone, live := newPlayedBroker(t), newPlayedBroker(t)
	links := []*link{{}, {current: gone.dialled()}}
	caller := &Caller{maxBodyBytes: len(overwhelming), calls: map[uint32]*call{}, links: links, turn: 1}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	failed := failing(ctx, caller, overwhelming)
	// It has passed the first link over and is in the midst of writing to the second.
	_, err := gone.reader.Peek(1)
	gone.must(err)
	links[0].mu.Lock()
	links[0].current = live.dialled()
	links[0].mu.Unlock()
	caller.sendWaiting()
	_ = gone.conn.Close()
	live.next("call")
	cancel()
	if failure := <-failed; CodeOf(failure) != CodeCancelled {
		t.Errorf("it failed with %v", failure)
	}
}

func TestCallsEndInTimeWhileTheBrokerTakesNothing(t *testing.T) {
	broker := newPlayedBroker(t)
	caller := callerOf(t, len(overwhelming), broker)
	open, cancel := context.WithCancel(context.Background())
	cancelled := failing(open, caller, nil)
	broker.next("call")
	blocking := failing(context.Background(), caller, overwhelming)
	_, err := broker.reader.Peek(1)
	broker.must(err)

	cancel()
	hurried, stop := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer stop()
	late := failing(hurried, caller, nil)
	for code, failed := range map[int]<-chan error{CodeCancelled: cancelled, CodeDeadlineExceeded: late} {
		select {
		case failure := <-failed:
			if CodeOf(failure) != code {
				t.Errorf("%v instead of %d", failure, code)
			}
		case failure := <-blocking:
			t.Fatalf("only after what blocks the broker: %v", failure)
		}
	}
	// What blocked was not disturbed.
	broker.next("call")
	select {
	case failure := <-blocking:
		t.Errorf("it failed with %v", failure)
	default:
	}
}

func TestACallThatBlocksEndsInTimeItself(t *testing.T) {
	broker := newPlayedBroker(t)
	caller := callerOf(t, len(overwhelming), broker)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	failed := failing(ctx, caller, overwhelming)
	select {
	case failure := <-failed:
		// Its connection ends with it, so that either may be noticed first.
		if code := CodeOf(failure); code != CodeDeadlineExceeded && code != CodeCallLost {
			t.Errorf("it failed with %v", failure)
		}
	case <-time.After(silenceLimit / 2):
		t.Error("it is still there")
	}
}

// serving is a worker at a played broker whose handler fails with what thrown points at.
func serving(t *testing.T, thrown *error) *playedBroker {
	t.Helper()
	broker := newPlayedBroker(t)
	worker, err := NewWorker(WorkerOptions{Brokers: []string{broker.address}})
	broker.must(err)
	handler := func(context.Context, *Request) (any, error) { return nil, *thrown }
	broker.must(worker.Serve(Service{Name: "gift", Methods: map[string]Handler{"send": handler}}))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	broker.accept()
	broker.next("serve")
	t.Cleanup(func() {
		stop()
		broker.say(fmt.Sprintf(`{"kind":"drained","id":%v}`, broker.next("drain")["id"]))
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return broker
}

func (b *playedBroker) errorOf(id int, members string) map[string]any {
	b.t.Helper()
	b.say(fmt.Sprintf(`{"kind":"call","id":%d,"service":"gift",%s}`, id, members))
	answer := b.next("error")
	if answer["id"] != float64(id) {
		b.t.Errorf("the answer to %v instead of %d", answer["id"], id)
	}
	return answer
}

func TestWhatAHandlerReturnsNeverSaysThatItWasNotHandedOut(t *testing.T) {
	var thrown error
	broker := serving(t, &thrown)
	shared := NewError(CodeUnavailable, "", map[string]any{"handedOut": false, "breaker": "open"})
	for id, row := range []struct {
		thrown  error
		details any
	}{
		{shared, map[string]any{"handedOut": true, "breaker": "open"}},
		{fmt.Errorf("no gift: %w", shared), map[string]any{"handedOut": true, "breaker": "open"}},
		{NewError(CodeUnavailable, "", map[string]any{"left": 0}), map[string]any{"left": 0.0}},
		{NewError(CodeUnavailable, "", nil), nil},
		{NewError(CodeUnavailable, "", map[string]any{"handedOut": false, "unsayable": func() {}}), nil},
	} {
		thrown = row.thrown
		answer := broker.errorOf(id, `"method":"send","target":1`)
		if answer["code"] != float64(CodeUnavailable) || !reflect.DeepEqual(answer["details"], row.details) {
			t.Errorf("%v is answered as %v", row.thrown, answer)
		}
	}
	if shared.Details["handedOut"] != false {
		t.Error("the handler's own error was changed")
	}
}

func TestWhatNoHandlerBeganSaysSo(t *testing.T) {
	var thrown error
	broker := serving(t, &thrown)
	for id, row := range []struct {
		members string
		code    int
	}{{`"method":"send","target":9`, CodeUnavailable}, {`"method":"other","target":1`, CodeMethodUnknown}} {
		answer := broker.errorOf(id, row.members)
		if answer["code"] != float64(row.code) || !reflect.DeepEqual(answer["details"], map[string]any{"handedOut": false}) {
			t.Errorf("%s is answered as %v", row.members, answer)
		}
	}
}

func TestAMalformedCallIsAnsweredAndTheNextOneCarriedOut(t *testing.T) {
	var thrown error = NewError(CodeUnavailable, "", nil)
	broker := serving(t, &thrown)
	deep := `{"a":` + strings.Repeat("[", 12_000) + strings.Repeat("]", 12_000) + `}`
	endings := []string{`7`, `{"x":`, `{"x":1e999}`, deep, "\"\xff\"", `{"x":"` + strings.Repeat("x", 8_192) + `"}`}
	for id, headers := range endings {
		answer := broker.errorOf(id, `"method":"send","target":1,"headers":`+headers)
		details, _ := answer["details"].(map[string]any)
		if answer["code"] != float64(CodeMalformed) || answer["name"] != "MALFORMED" || details["handedOut"] != false {
			t.Errorf("%.20s is answered as %v", headers, answer)
		}
		if reason, _ := details["reason"].(string); reason == "" {
			t.Errorf("%.20s is answered without a reason", headers)
		}
	}
	broker.say(`{"kind":"cancel","id":70,"reason":7}`)
	broker.say(`{"kind":"call","id":4294967296,`)
	if answer := broker.errorOf(71, `"method":"send","target":1`); answer["code"] != float64(CodeUnavailable) {
		t.Errorf("the next one is answered as %v", answer)
	}
}
