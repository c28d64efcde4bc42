// caller <address>…: the caller that tests/clients drives, the same in every language. A line of JSON in, a call; a line of
// JSON out, its outcome.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"time"

	im "example.org/im/clients/go"
)

type ask struct {
	Service    string
	Method     string
	Input      json.RawMessage
	TimeoutMs  int
	Idempotent bool
	Key        string
	Route      string
	Headers    map[string]any
	Trace      string
	Stream     bool
}

type outcome struct {
	Value   any            `json:"value"`
	Headers map[string]any `json:"headers"`
	Parts   []any          `json:"parts,omitempty"`
}

func main() {
	caller, err := im.NewCaller(im.CallerOptions{Brokers: os.Args[1:]})
	if err != nil {
		log.Fatal(err)
	}
	defer caller.Close()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 4<<20)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var next ask
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			log.Fatal(err)
		}
		var answer any
		answer, err := carryOut(caller, next)
		var failure *im.Error
		if errors.As(err, &failure) {
			details := failure.Details
			if details == nil {
				details = map[string]any{}
			}
			answer = map[string]any{"error": map[string]any{
				"code": failure.Code, "name": failure.Name, "message": failure.Message, "retryable": failure.Retryable,
				"details": details,
			}}
		} else if err != nil {
			log.Fatal(err)
		}
		if err := answers.Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
}

func carryOut(caller *im.Caller, next ask) (result outcome, err error) {
	timeout := 10 * time.Second
	if next.TimeoutMs > 0 {
		timeout = time.Duration(next.TimeoutMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	options := &im.CallOptions{
		Idempotent: next.Idempotent, Key: next.Key, Route: next.Route, Headers: next.Headers, Trace: next.Trace,
	}
	result.Headers = map[string]any{}
	if !next.Stream {
		reply, err := caller.Do(ctx, next.Service, next.Method, []byte(next.Input), options)
		if err != nil {
			return result, err
		}
		if reply.Headers != nil {
			result.Headers = reply.Headers
		}
		return result, reply.Decode(&result.Value)
	}
	stream, err := caller.Stream(ctx, next.Service, next.Method, []byte(next.Input), options)
	if err != nil {
		return result, err
	}
	defer stream.Close()
	for stream.Next() {
		var part any
		if err := stream.Decode(&part); err != nil {
			return result, err
		}
		result.Parts = append(result.Parts, part)
	}
	if err := stream.Err(); err != nil {
		return result, err
	}
	return result, stream.Reply().Decode(&result.Value)
}
