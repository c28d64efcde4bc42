package im

import (
	"bytes"
	"encoding/json"
)

const (
	defaultMaxBodyBytes = 1_048_576
	maxHeaderBytes      = 8_192
)

// Reply is an answer: bytes, empty for no value, and JSON values beside them. Handlers return one when they have headers.
type Reply struct {
	Body    []byte
	Headers map[string]any
}

// Decode puts the body's value into what target points at, and leaves it as it is when there is none.
func (r *Reply) Decode(target any) error {
	return decode(r.Body, target, CodeInvalidOutput)
}

func decode(body []byte, target any, code int) error {
	if len(body) == 0 || target == nil {
		return nil
	}
	if err := json.Unmarshal(body, target); err != nil {
		return NewError(code, "not JSON of that shape: "+err.Error(), nil)
	}
	return nil
}

// encode takes []byte as it is and nil for no value.
func encode(value any, code int) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case []byte:
		return value, nil
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, NewError(code, "not JSON: "+err.Error(), nil)
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

func checkSizes(body []byte, headers map[string]any, maxBodyBytes int) error {
	if len(body) > maxBodyBytes {
		return NewError(CodeBodyTooLarge, "", map[string]any{"part": "body", "limitBytes": maxBodyBytes})
	}
	if len(headers) == 0 {
		return nil
	}
	encoded, err := encode(headers, CodeInvalidArgument)
	if err == nil && len(encoded) > maxHeaderBytes {
		err = NewError(CodeBodyTooLarge, "", map[string]any{"part": "headers", "limitBytes": maxHeaderBytes})
	}
	return err
}
