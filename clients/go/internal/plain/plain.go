// Package plain turns messages into frames and back, in the plain form of docs/rpc.md, section 2. It knows no sockets.
package plain

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"unicode/utf8"
)

// Message is a message with the members of its kind; the others are left at their zero values.
type Message struct {
	Kind string  `json:"kind"`
	ID   *uint32 `json:"id,omitempty"`

	Service     string         `json:"service,omitempty"`
	Method      string         `json:"method,omitempty"`
	TimeoutMs   *uint32        `json:"timeoutMs,omitempty"`
	Idempotent  bool           `json:"idempotent,omitempty"`
	Key         string         `json:"key,omitempty"`
	Route       string         `json:"route,omitempty"`
	Trace       string         `json:"trace,omitempty"`
	Headers     map[string]any `json:"headers,omitempty"`
	Stream      bool           `json:"stream,omitempty"`
	Late        bool           `json:"late,omitempty"`
	Target      *uint32        `json:"target,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Count       *uint32        `json:"count,omitempty"`
	Code        *int64         `json:"code,omitempty"`
	Name        string         `json:"name,omitempty"`
	Text        string         `json:"message,omitempty"`
	Retryable   *bool          `json:"retryable,omitempty"`
	Details     map[string]any `json:"details,omitempty"`
	Worker      string         `json:"worker,omitempty"`
	Version     string         `json:"version,omitempty"`
	Methods     []string       `json:"methods,omitempty"`
	Concurrency *uint32        `json:"concurrency,omitempty"`
	PingMs      *uint32        `json:"pingMs,omitempty"`
	Caller      *uint32        `json:"caller,omitempty"`
	Broker      string         `json:"broker,omitempty"`

	// Body is empty for no value.
	Body []byte `json:"-"`
}

// MalformedError is what frames are that are no message.
type MalformedError struct {
	Reason string
	// ID and Kind are the message's, if they could be read.
	ID   *uint32
	Kind string
}

func (e *MalformedError) Error() string {
	return "malformed message: " + e.Reason
}

// ErrUnknownKind is what messages of later versions are; they are ignored.
var ErrUnknownKind = errors.New("unknown kind")

var (
	namePattern  = regexp.MustCompile(`^[a-zA-Z$][A-Za-z0-9_-]{0,63}$`)
	tracePattern = regexp.MustCompile(`^[\x21-\x7e]{1,255}$`)
	// callPattern is how brokers begin a call: its id can be read even where the rest cannot.
	callPattern = regexp.MustCompile(`^\{"kind":"call","id":(\d{1,10})[,}]`)
)

// Encode gives one frame, or two if there is a body. It fails for headers or details that JSON cannot say.
func Encode(m Message) ([][]byte, error) {
	head, err := compact(m)
	if err != nil {
		return nil, err
	}
	if len(m.Body) == 0 {
		return [][]byte{head}, nil
	}
	return [][]byte{head, m.Body}, nil
}

func compact(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), err
}

// Decode gives the message, or a *MalformedError or ErrUnknownKind. An empty frame may stand in front. The body is not copied.
func Decode(frames [][]byte) (Message, error) {
	if len(frames) > 1 && len(frames[0]) == 0 {
		frames = frames[1:]
	}
	if len(frames) == 0 {
		return Message{}, &MalformedError{Reason: "no frames"}
	}
	var members map[string]json.RawMessage
	if !bytes.HasPrefix(frames[0], []byte("{")) || !utf8.Valid(frames[0]) || json.Unmarshal(frames[0], &members) != nil {
		malformed := &MalformedError{Reason: "the first frame is no JSON object"}
		if begun := callPattern.FindSubmatch(frames[0]); begun != nil {
			malformed.Kind, malformed.ID = "call", count(begun[1])
		}
		return Message{}, malformed
	}
	var message Message
	if !read(members["kind"], &message.Kind) {
		return Message{}, &MalformedError{Reason: "kind: a text"}
	}
	shape, known := shapes[message.Kind]
	if !known {
		return Message{}, ErrUnknownKind
	}
	if id, found := members["id"]; found {
		if message.ID = count(id); message.ID == nil {
			return Message{}, &MalformedError{Reason: "id", Kind: message.Kind}
		}
	} else if !anonymous[message.Kind] {
		return Message{}, &MalformedError{Reason: "id", Kind: message.Kind}
	}
	for _, member := range shape {
		value, found := members[member.name]
		if !found && member.optional {
			continue
		}
		if !found || !member.take(&message, value) {
			return Message{}, &MalformedError{Reason: member.name, ID: message.ID, Kind: message.Kind}
		}
	}
	if len(frames) > 1 {
		message.Body = frames[1]
	}
	return message, nil
}

var anonymous = map[string]bool{"ping": true, "bye": true, "again": true, "error": true}

type member struct {
	name     string
	optional bool
	take     func(m *Message, value json.RawMessage) bool
}

func text(name string, optional bool, field func(*Message) *string, isValid func(string) bool) member {
	return member{name, optional, func(m *Message, value json.RawMessage) bool {
		return read(value, field(m)) && isValid(*field(m))
	}}
}

func number(name string, optional bool, field func(*Message) **uint32) member {
	return member{name, optional, func(m *Message, value json.RawMessage) bool {
		*field(m) = count(value)
		return *field(m) != nil
	}}
}

func flag(name string, field func(*Message) *bool) member {
	return member{name, true, func(m *Message, value json.RawMessage) bool { return read(value, field(m)) }}
}

func object(name string, field func(*Message) *map[string]any) member {
	return member{name, true, func(m *Message, value json.RawMessage) bool {
		return bytes.HasPrefix(value, []byte("{")) && read(value, field(m))
	}}
}

// maxHeaderBytes is that of headers written as compactly as Encode does.
const maxHeaderBytes = 8_192

func anyText(string) bool { return true }

func upTo(limit int) func(string) bool {
	return func(value string) bool { return value != "" && utf8.RuneCountInString(value) <= limit }
}

var failure = []member{
	{"code", false, func(m *Message, value json.RawMessage) bool { return read(value, &m.Code) }},
	text("name", false, func(m *Message) *string { return &m.Name }, anyText),
	text("message", true, func(m *Message) *string { return &m.Text }, anyText),
	{"retryable", true, func(m *Message, value json.RawMessage) bool { return read(value, &m.Retryable) }},
	object("details", func(m *Message) *map[string]any { return &m.Details }),
}

var (
	service = text("service", false, func(m *Message) *string { return &m.Service }, namePattern.MatchString)
	headers = member{"headers", true, func(m *Message, value json.RawMessage) bool {
		if !bytes.HasPrefix(value, []byte("{")) || !read(value, &m.Headers) {
			return false
		}
		encoded, err := compact(m.Headers)
		return err == nil && len(encoded) <= maxHeaderBytes
	}}
)

// shapes lists the members of each kind.
var shapes = map[string][]member{
	"call": {
		service,
		text("method", false, func(m *Message) *string { return &m.Method }, namePattern.MatchString),
		number("timeoutMs", true, func(m *Message) **uint32 { return &m.TimeoutMs }),
		flag("idempotent", func(m *Message) *bool { return &m.Idempotent }),
		text("key", true, func(m *Message) *string { return &m.Key }, upTo(256)),
		text("route", true, func(m *Message) *string { return &m.Route }, upTo(256)),
		text("trace", true, func(m *Message) *string { return &m.Trace }, tracePattern.MatchString),
		headers,
		flag("stream", func(m *Message) *bool { return &m.Stream }),
		flag("late", func(m *Message) *bool { return &m.Late }),
		number("target", true, func(m *Message) **uint32 { return &m.Target }),
	},
	"cancel": {text("reason", true, func(m *Message) *string { return &m.Reason }, func(value string) bool {
		return value == "cancelled" || value == "deadline"
	})},
	"more":    {number("count", false, func(m *Message) **uint32 { return &m.Count })},
	"reply":   {headers},
	"part":    {},
	"error":   failure,
	"refused": failure,
	"serve": {
		text("worker", false, func(m *Message) *string { return &m.Worker }, upTo(128)),
		service,
		text("version", false, func(m *Message) *string { return &m.Version }, upTo(64)),
		{"methods", false, func(m *Message, value json.RawMessage) bool {
			if !read(value, &m.Methods) {
				return false
			}
			for _, method := range m.Methods {
				if !namePattern.MatchString(method) {
					return false
				}
			}
			return true
		}},
		number("concurrency", false, func(m *Message) **uint32 { return &m.Concurrency }),
		number("pingMs", true, func(m *Message) **uint32 { return &m.PingMs }),
	},
	"serving": {}, "drain": {}, "drained": {}, "bye": {}, "ping": {}, "again": {},
	"pong": {
		number("caller", true, func(m *Message) **uint32 { return &m.Caller }),
		text("broker", true, func(m *Message) *string { return &m.Broker }, anyText),
	},
}

// read refuses null, which Unmarshal takes for anything.
func read(value json.RawMessage, into any) bool {
	return len(value) > 0 && !bytes.Equal(value, []byte("null")) && json.Unmarshal(value, into) == nil
}

// count reads an integer from 0 to 4,294,967,295, however JSON writes it; nil for anything else.
func count(value json.RawMessage) *uint32 {
	var number float64
	if !read(value, &number) || number < 0 || number > math.MaxUint32 || number != math.Trunc(number) {
		return nil
	}
	integer := uint32(number)
	return &integer
}
