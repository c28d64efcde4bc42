package zmtp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func dealerOver(conn net.Conn, input io.Reader) *Dealer {
	return newDealer(conn, input, 1_000)
}

func TestAnyBytesGiveMessagesOrAnError(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	go func() { _, _ = io.Copy(io.Discard, there) }()
	for _, input := range []string{"", "\x00", "\x00\x05abc", "\x02\xff\xff\xff\xff\xff\xff\xff\xff", "\x04\x00", "\x04\x01\x09", "\x04\x05\x04PING"} {
		if _, err := dealerOver(here, bytes.NewReader([]byte(input))).Receive(); err == nil {
			t.Errorf("%q was taken for a message", input)
		}
	}
}

func TestALengthIsCheckedBeforeAnythingIsAllocated(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	_, err := dealerOver(here, bytes.NewReader([]byte("\x02\x7f\xff\xff\xff\xff\xff\xff\xff"))).Receive()
	if !errors.Is(err, ErrProtocol) {
		t.Errorf("got %v", err)
	}
}

func TestAPingIsAnsweredWithItsContextBetweenTheFramesOfMessages(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	answer := make(chan string, 1)
	go func() {
		bytes := make([]byte, 64)
		n, _ := there.Read(bytes)
		answer <- string(bytes[:n])
	}()
	frames, err := dealerOver(here, bytes.NewReader([]byte("\x01\x01a\x04\x09\x04PING\x00\x01xy\x00\x01b"))).Receive()
	if err != nil || len(frames) != 2 || string(frames[0])+string(frames[1]) != "ab" {
		t.Errorf("got %q, %v", frames, err)
	}
	if got := <-answer; got != "\x04\x07\x04PONGxy" {
		t.Errorf("answered %q", got)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x01\x01a\x04\x09\x04PING\x00\x01xy\x00\x01b"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		here, there := net.Pipe()
		defer here.Close()
		go func() { _, _ = io.Copy(io.Discard, there) }()
		dealer := dealerOver(here, bytes.NewReader(input))
		for {
			if _, err := dealer.Receive(); err != nil {
				return
			}
		}
	})
}

func TestWhatWasNotBegunInTimeLeavesTheConnectionAsItWas(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	dealer := newDealer(here, here, 1_000)
	soon := func() time.Time { return time.Now().Add(10 * time.Millisecond) }
	if err := dealer.Send([][]byte{[]byte("lost")}, soon()); !errors.Is(err, ErrBusy) {
		t.Fatalf("nobody reads: %v", err)
	}
	dealer.lock(time.Time{})
	if err := dealer.Send([][]byte{[]byte("lost")}, soon()); !errors.Is(err, ErrBusy) {
		t.Fatalf("another writes: %v", err)
	}
	dealer.unlock()
	received := make(chan string, 1)
	go func() {
		bytes := make([]byte, 64)
		n, _ := there.Read(bytes)
		received <- string(bytes[:n])
	}()
	if err := dealer.Send([][]byte{[]byte("sent")}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := <-received; got != "\x00\x04sent" {
		t.Errorf("received %q", got)
	}
}

func TestWhatWasWrittenInPartEndsTheConnection(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	dealer := newDealer(here, here, 1_000)
	go func() { _, _ = there.Read(make([]byte, 1)) }()
	if err := dealer.Send([][]byte{[]byte("half")}, time.Now().Add(50*time.Millisecond)); err == nil || errors.Is(err, ErrBusy) {
		t.Fatalf("got %v", err)
	}
	go func() { _, _ = io.Copy(io.Discard, there) }()
	if err := dealer.Send([][]byte{[]byte("next")}, time.Time{}); err == nil {
		t.Error("something was written after half a message")
	}
}
