package plain

import (
	"encoding/json"
	"errors"
	"math/rand"
	"os"
	"reflect"
	"testing"
)

type vector struct {
	Name      string         `json:"name"`
	Frames    []string       `json:"frames"`
	Message   map[string]any `json:"message"`
	Body      *string        `json:"body"`
	Malformed bool           `json:"malformed"`
}

func isMalformed(err error) bool {
	var malformed *MalformedError
	return errors.As(err, &malformed)
}

func TestEveryVectorOfThePlainForm(t *testing.T) {
	file, err := os.ReadFile("../../../../packages/rpc/vectors/plain.json")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("there are no vectors here")
	}
	var vectors []vector
	if err := json.Unmarshal(file, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, vector := range vectors {
		t.Run(vector.Name, func(t *testing.T) {
			var frames [][]byte
			for _, frame := range vector.Frames {
				frames = append(frames, []byte(frame))
			}
			message, err := Decode(frames)
			if vector.Malformed {
				if !isMalformed(err) {
					t.Errorf("got %+v, %v", message, err)
				}
				return
			}
			if vector.Message == nil {
				if !errors.Is(err, ErrUnknownKind) {
					t.Errorf("got %+v, %v", message, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			body := ""
			if vector.Body != nil {
				body = *vector.Body
			}
			if string(message.Body) != body {
				t.Errorf("body %q", message.Body)
			}
			again, err := Encode(message)
			if err != nil {
				t.Fatal(err)
			}
			var members map[string]any
			dropEmpty(vector.Message)
			if err := json.Unmarshal(again[0], &members); err != nil {
				t.Fatal(err)
			}
			dropEmpty(members)
			if !reflect.DeepEqual(members, vector.Message) {
				t.Errorf("%s instead of %v", again[0], vector.Message)
			}
		})
	}
}

// dropEmpty takes out what says nothing: this client does not tell it from what is left out.
func dropEmpty(members map[string]any) {
	for name, value := range members {
		switch value := value.(type) {
		case bool:
			if !value {
				delete(members, name)
			}
		case string:
			if value == "" {
				delete(members, name)
			}
		case []any:
			if len(value) == 0 {
				delete(members, name)
			}
		case map[string]any:
			if len(value) == 0 {
				delete(members, name)
			}
		}
	}
}

var seeds = []string{
	`{"kind":"reply","id":1,"headers":{"a":{"b":[]}}}`, `{"kind":"more","id":1,"count":3}`,
	`{"kind":"error","id":1,"code":303,"name":"INTERNAL","message":"é","retryable":false,"details":{}}`,
	`{"kind":"call","id":4294967295,"service":"a","method":"b","target":1,"timeoutMs":1e3,"key":"k"}`,
	`{"kind":"pong","id":0,"broker":"x","caller":2}`, `{"kind":null}`, `{"kind":"serving","id":null}`, `{`, ``, "\x01\x00", `[]`,
}

func TestAnyBytesAreAMessageAnUnknownKindOrMalformed(t *testing.T) {
	random := rand.New(rand.NewSource(7))
	for round := 0; round < 20_000; round++ {
		text := []byte(seeds[random.Intn(len(seeds))])
		for change := random.Intn(5); change > 0 && len(text) > 0; change-- {
			text[random.Intn(len(text))] = byte(random.Intn(256))
		}
		check(t, text)
	}
	if _, err := Decode(nil); !isMalformed(err) {
		t.Errorf("no frames: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(check)
}

func check(t *testing.T, text []byte) {
	message, err := Decode([][]byte{text})
	switch {
	case err == nil:
		if _, err := Encode(message); err != nil {
			t.Errorf("%q was decoded and cannot be encoded: %v", text, err)
		}
	case !isMalformed(err) && !errors.Is(err, ErrUnknownKind):
		t.Errorf("%q: %v", text, err)
	}
}

func TestAMessageIsDecodedToWhatWasEncoded(t *testing.T) {
	id := uint32(4_294_967_295)
	for _, body := range [][]byte{nil, {0, 255}} {
		message := Message{Kind: "call", ID: &id, Service: "a", Method: "$b", Body: body}
		frames, err := Encode(message)
		if err != nil {
			t.Fatal(err)
		}
		for _, received := range [][][]byte{frames, append([][]byte{{}}, frames...)} {
			if decoded, err := Decode(received); err != nil || !reflect.DeepEqual(decoded, message) {
				t.Errorf("got %+v, %v", decoded, err)
			}
		}
	}
	if _, err := Decode([][]byte{[]byte(`{"kind":"song","id":1}`)}); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("got %v", err)
	}
}
