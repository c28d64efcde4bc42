package im

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCodesNamesAndFlagsAreThoseOfTheDocument(t *testing.T) {
	document, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, row := range regexp.MustCompile("(?m)^\\| (\\d+) \\| `([A-Z_]+)` \\| (yes|no) \\|").FindAllStringSubmatch(string(document), -1) {
		code, _ := strconv.Atoi(row[1])
		if code >= 1_000 {
			continue
		}
		found++
		if known := registry[code]; known.name != row[2] || known.retryable != (row[3] == "yes") {
			t.Errorf("%v is %+v here", row[1:], known)
		}
	}
	if found != len(registry) {
		t.Errorf("%d errors here, %d documented", len(registry), found)
	}
}

func TestKeptAnswersAreBoundedByNumberBytesAndAge(t *testing.T) {
	start := time.Now()
	kept := newKeptAnswers(2, 100, 10*time.Second)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	for second, key := range []string{"a", "b", "c"} {
		kept.keep(key, answer{reply: &Reply{Body: []byte(key)}}, at(second))
	}
	has := func(key string, seconds int, expected bool) {
		t.Helper()
		if _, found := kept.get(key, at(seconds)); found != expected {
			t.Errorf("%s after %d s: %v", key, seconds, found)
		}
	}
	has("a", 3, false)
	has("b", 3, true)
	has("b", 11, false)
	has("c", 11, true)
	kept.keep("d", answer{reply: &Reply{Body: make([]byte, 200)}}, at(11))
	has("d", 11, false)
	long := map[string]any{"x": strings.Repeat("x", 200)}
	kept.keep("e", answer{reply: &Reply{Headers: long}}, at(11))
	has("e", 11, false)
	kept.keep("f", answer{failure: NewError(CodeForbidden, "", long)}, at(11))
	has("f", 11, false)
	if kept.bytes != 0 || len(kept.order) != 0 {
		t.Errorf("%d bytes of %d answers are left", kept.bytes, len(kept.order))
	}
}
