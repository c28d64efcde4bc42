// Package zmtp is the part of ZMTP 3.1 that a DEALER needs which connects to a ROUTER: greeting, NULL handshake, messages
// of several frames, heartbeats. It knows nothing of what messages say.
//
// It is here because the pure Go bindings that there are answer a heartbeat in the middle of a message that another
// goroutine is writing, and allocate whatever length a peer claims.
package zmtp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4

	handshakeTimeout = 5 * time.Second
	writeTimeout     = 10 * time.Second
	maxCommandBytes  = 8_192
	maxFrames        = 64
)

// ErrProtocol is what a peer is told off for that does not speak ZMTP as it must.
var ErrProtocol = errors.New("zmtp: protocol violation")

// ErrBusy is that nothing of a message was written by its time. The connection is as good as before.
var ErrBusy = errors.New("zmtp: not written in time")

// Dealer is one connection. Send may be called by any goroutine, Receive by one.
type Dealer struct {
	conn     net.Conn
	reader   *bufio.Reader
	maxFrame int

	writing chan struct{} // has whoever writes: unlike with a mutex, one can give up
	writer  *bufio.Writer
	written uint64
}

func newDealer(conn net.Conn, input io.Reader, maxFrame int) *Dealer {
	dealer := &Dealer{conn: conn, reader: bufio.NewReader(input), maxFrame: maxFrame, writing: make(chan struct{}, 1)}
	dealer.writer = bufio.NewWriter(output{dealer})
	return dealer
}

// output counts what leaves.
type output struct {
	dealer *Dealer
}

func (o output) Write(bytes []byte) (int, error) {
	count, err := o.dealer.conn.Write(bytes)
	o.dealer.written += uint64(count)
	return count, err
}

// Dial connects to "tcp://host:port" or "ipc:///path" and shakes hands. A frame of more than maxFrame bytes ends the connection.
func Dial(address string, maxFrame int) (*Dealer, error) {
	network, target, err := SplitAddress(address)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout(network, target, handshakeTimeout)
	if err != nil {
		return nil, err
	}
	dealer := newDealer(conn, conn, maxFrame)
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	if err := dealer.shakeHands(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return dealer, nil
}

// SplitAddress gives what net.Dial takes.
func SplitAddress(address string) (network, target string, err error) {
	scheme, target, found := strings.Cut(address, "://")
	switch {
	case found && scheme == "tcp" && target != "":
		return "tcp", target, nil
	case found && scheme == "ipc" && target != "":
		return "unix", target, nil
	}
	return "", "", fmt.Errorf("zmtp: no address: %q", address)
}

// Send writes one message of one or more frames. It gives up when by has passed, a zero time being none, and when the peer takes
// nothing for 10 s. After an error that is not ErrBusy the connection is closed.
func (d *Dealer) Send(frames [][]byte, by time.Time) error {
	if !d.lock(by) {
		return ErrBusy
	}
	defer d.unlock()
	limit := time.Now().Add(writeTimeout)
	isHurried := !by.IsZero() && by.Before(limit)
	if isHurried {
		limit = by
	}
	_ = d.conn.SetWriteDeadline(limit)
	before := d.written
	err := d.writeMessage(frames)
	switch {
	case err == nil:
		return nil
	case isHurried && d.written == before && errors.Is(err, os.ErrDeadlineExceeded):
		d.writer.Reset(output{d})
		return ErrBusy
	}
	_ = d.conn.Close()
	return err
}

// lock reports whether it came to write by that time.
func (d *Dealer) lock(by time.Time) bool {
	if by.IsZero() {
		d.writing <- struct{}{}
		return true
	}
	select {
	case d.writing <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(time.Until(by))
	defer timer.Stop()
	select {
	case d.writing <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

func (d *Dealer) unlock() {
	<-d.writing
}

func (d *Dealer) writeMessage(frames [][]byte) error {
	for at, frame := range frames {
		var flags byte
		if at < len(frames)-1 {
			flags = flagMore
		}
		if err := d.write(flags, frame); err != nil {
			return err
		}
	}
	return d.writer.Flush()
}

// Receive gives the next message; commands are dealt with on the way. After an error the connection is of no use.
func (d *Dealer) Receive() ([][]byte, error) {
	var frames [][]byte
	for {
		flags, frame, err := d.read()
		if err != nil {
			return nil, err
		}
		if flags&flagCommand != 0 {
			if err := d.command(frame); err != nil {
				return nil, err
			}
			continue
		}
		if frames = append(frames, frame); len(frames) > maxFrames {
			return nil, ErrProtocol
		}
		if flags&flagMore == 0 {
			return frames, nil
		}
	}
}

// Close ends the connection; a Receive that waits fails.
func (d *Dealer) Close() error {
	return d.conn.Close()
}

func (d *Dealer) shakeHands() error {
	greeting := make([]byte, 64)
	greeting[0], greeting[9] = 0xff, 0x7f
	greeting[10], greeting[11] = 3, 1
	copy(greeting[12:], "NULL")
	if _, err := d.conn.Write(greeting); err != nil {
		return err
	}
	theirs := make([]byte, 64)
	if _, err := io.ReadFull(d.reader, theirs); err != nil {
		return err
	}
	if theirs[0] != 0xff || theirs[9]&1 == 0 || theirs[10] < 3 {
		return ErrProtocol
	}
	if mechanism := strings.TrimRight(string(theirs[12:32]), "\x00"); mechanism != "NULL" {
		return fmt.Errorf("zmtp: the broker wants %s, which this client does not have", mechanism)
	}
	ready := append([]byte("\x05READY\x0bSocket-Type"), 0, 0, 0, 6)
	if err := d.write(flagCommand, append(ready, "DEALER"...)); err != nil {
		return err
	}
	if err := d.writer.Flush(); err != nil {
		return err
	}
	flags, frame, err := d.read()
	if err != nil {
		return err
	}
	if name, _, ok := splitCommand(frame); flags&flagCommand == 0 || !ok || name != "READY" {
		return ErrProtocol
	}
	return nil
}

// command answers a PING with its context; whatever else comes is ignored.
func (d *Dealer) command(frame []byte) (err error) {
	name, data, ok := splitCommand(frame)
	if !ok {
		return ErrProtocol
	}
	if name != "PING" {
		return nil
	}
	if len(data) < 2 {
		return ErrProtocol
	}
	d.lock(time.Time{})
	defer d.unlock()
	_ = d.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	err = d.write(flagCommand, append([]byte("\x04PONG"), data[2:]...))
	if err == nil {
		err = d.writer.Flush()
	}
	if err != nil {
		// Perhaps in the middle: nobody may write after that.
		_ = d.conn.Close()
	}
	return err
}

func splitCommand(frame []byte) (name string, data []byte, ok bool) {
	if len(frame) == 0 || len(frame) < 1+int(frame[0]) {
		return "", nil, false
	}
	end := 1 + int(frame[0])
	return string(frame[1:end]), frame[end:], true
}

func (d *Dealer) read() (flags byte, frame []byte, err error) {
	if flags, err = d.reader.ReadByte(); err != nil {
		return 0, nil, err
	}
	var size uint64
	if flags&flagLong != 0 {
		var long [8]byte
		if _, err = io.ReadFull(d.reader, long[:]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(long[:])
	} else {
		var short byte
		if short, err = d.reader.ReadByte(); err != nil {
			return 0, nil, err
		}
		size = uint64(short)
	}
	limit := d.maxFrame
	if flags&flagCommand != 0 {
		limit = maxCommandBytes
	}
	if size > uint64(limit) {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", ErrProtocol, size)
	}
	frame = make([]byte, size)
	_, err = io.ReadFull(d.reader, frame)
	return flags, frame, err
}

func (d *Dealer) write(flags byte, frame []byte) error {
	var head [9]byte
	size := 2
	if len(frame) > 255 {
		flags |= flagLong
		binary.BigEndian.PutUint64(head[1:], uint64(len(frame)))
		size = 9
	} else {
		head[1] = byte(len(frame))
	}
	head[0] = flags
	if _, err := d.writer.Write(head[:size]); err != nil {
		return err
	}
	_, err := d.writer.Write(frame)
	return err
}
