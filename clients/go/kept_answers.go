package im

import "time"

// answer is a reply or an error.
type answer struct {
	reply   *Reply
	failure *Error
}

type keptAnswer struct {
	answer    answer
	bytes     int
	expiresAt time.Time
}

// keptAnswers are answers by idempotency key, bounded by number, bytes and age; the oldest go first.
type keptAnswers struct {
	maxEntries, maxBytes int
	ttl                  time.Duration

	entries map[string]keptAnswer
	order   []string // of age
	bytes   int
}

func newKeptAnswers(maxEntries, maxBytes int, ttl time.Duration) *keptAnswers {
	return &keptAnswers{maxEntries: maxEntries, maxBytes: maxBytes, ttl: ttl, entries: map[string]keptAnswer{}}
}

func (k *keptAnswers) get(key string, now time.Time) (answer, bool) {
	k.drop(now)
	kept, found := k.entries[key]
	return kept.answer, found
}

// keep is for keys of which get knows nothing.
func (k *keptAnswers) keep(key string, kept answer, now time.Time) {
	size := len(key) + bytesOf(kept)
	k.entries[key] = keptAnswer{kept, size, now.Add(k.ttl)}
	k.order = append(k.order, key)
	k.bytes += size
	k.drop(now)
}

func bytesOf(kept answer) int {
	size, members := 0, map[string]any(nil)
	if kept.reply != nil {
		size, members = len(kept.reply.Body), kept.reply.Headers
	} else {
		size, members = len(kept.failure.Name)+len(kept.failure.Message), kept.failure.Details
	}
	if len(members) > 0 {
		// What is kept has been encoded before, so that there is no error.
		encoded, _ := encode(members, CodeInternal)
		size += len(encoded)
	}
	return size
}

func (k *keptAnswers) drop(now time.Time) {
	for len(k.order) > 0 {
		oldest := k.entries[k.order[0]]
		if oldest.expiresAt.After(now) && len(k.entries) <= k.maxEntries && k.bytes <= k.maxBytes {
			return
		}
		delete(k.entries, k.order[0])
		k.bytes -= oldest.bytes
		k.order = k.order[1:]
	}
}
