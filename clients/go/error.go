package im

import (
	"errors"
	"fmt"

	"example.org/im/clients/go/internal/plain"
)

const maxMessageCharacters = 1_024

// Error is what calls fail with, and what handlers return to answer an error. Decide by Code and Retryable; Message is for
// people, Details are JSON values for programs.
type Error struct {
	Code      int
	Name      string
	Message   string
	Retryable bool
	Details   map[string]any

	cause error
}

// NewError is a registered error, with its own message if text is empty.
func NewError(code int, text string, details map[string]any) *Error {
	known := registry[code]
	if text == "" {
		text = known.message
	}
	return &Error{Code: code, Name: known.name, Message: text, Retryable: known.retryable, Details: details}
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Code, e.Name, e.Message)
}

// Unwrap gives what brought it about here, such as context.DeadlineExceeded.
func (e *Error) Unwrap() error {
	return e.cause
}

// CodeOf gives the code of an error that is or wraps an Error, and 0 for any other.
func CodeOf(err error) int {
	if failure, is := asError(err); is {
		return failure.Code
	}
	return 0
}

func errorOf(message plain.Message) *Error {
	failure := &Error{Code: int(*message.Code), Name: message.Name, Message: message.Text, Details: message.Details}
	if failure.Message == "" {
		failure.Message = failure.Name
	}
	failure.Retryable = message.Retryable != nil && *message.Retryable
	return failure
}

func errorMessage(id *uint32, failure *Error) plain.Message {
	code, text := int64(failure.Code), []rune(failure.Message)
	if len(text) > maxMessageCharacters {
		text = text[:maxMessageCharacters]
	}
	return plain.Message{
		Kind: "error", ID: id, Code: &code, Name: failure.Name, Text: string(text),
		Retryable: &failure.Retryable, Details: failure.Details,
	}
}

func handedOut(code int, is bool, cause error) *Error {
	failure := NewError(code, "", map[string]any{"handedOut": is})
	failure.cause = cause
	return failure
}

func asError(err error) (*Error, bool) {
	var failure *Error
	is := errors.As(err, &failure)
	return failure, is
}
