package im

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"sync"
	"time"
	"unicode/utf8"

	"example.org/im/clients/go/internal/plain"
)

const (
	defaultConcurrency = 64
	maxConcurrency     = 65_536
	defaultTimeoutMs   = 10_000
)

var (
	servicePattern = regexp.MustCompile(`^[a-zA-Z][A-Za-z0-9_-]{0,63}$`)
	methodPattern  = regexp.MustCompile(`^[a-zA-Z$][A-Za-z0-9_-]{0,63}$`)
	workerPattern  = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)
)

// Handler carries out a call. It returns what JSON can say, []byte, a *Reply, or nil for no value. An *Error is answered as it
// is, any other error and a panic as CodeInternal. The context ends at the deadline and when nobody waits any more.
type Handler func(ctx context.Context, request *Request) (any, error)

// Service is what a worker offers under one name.
type Service struct {
	Name string
	// Version of the code, "1.0.0" if left out.
	Version string
	Methods map[string]Handler
	// Concurrency is how many calls are carried out at once, 64 if left out.
	Concurrency int
}

// WorkerOptions say where brokers are.
type WorkerOptions struct {
	// Brokers are addresses of the workers' ports, "tcp://127.0.0.1:7402"; a worker serves at all of them.
	Brokers []string
	// Name is unique in the system and the same at every broker; made up if left out.
	Name string
	// OnFailure gets what handlers fail with that is no *Error, to be logged: callers learn of CodeInternal only.
	OnFailure func(request *Request, failure error)
	// MaxBodyBytes is 1 MiB if left out.
	MaxBodyBytes int
}

type place struct {
	session *session
	id      uint32
}

type offer struct {
	service Service
	slots   chan struct{}
}

// Worker serves services.
type Worker struct {
	options WorkerOptions
	links   []*link
	offers  map[uint32]*offer
	calls   sync.WaitGroup
	refused chan error

	mu       sync.Mutex
	stopping bool
	requests map[place]*Request
	draining map[place]struct{}
	drained  chan struct{}
	kept     *keptAnswers
	running  map[string]chan struct{}
}

// NewWorker connects to nothing yet.
func NewWorker(options WorkerOptions) (*Worker, error) {
	if options.Name == "" {
		random := make([]byte, 6)
		if _, err := rand.Read(random); err != nil {
			return nil, err
		}
		options.Name = fmt.Sprintf("go-%d-%s", os.Getpid(), hex.EncodeToString(random))
	}
	if !workerPattern.MatchString(options.Name) {
		return nil, NewError(CodeConfigInvalid, "Name: 1 to 128 visible ASCII characters", nil)
	}
	if options.MaxBodyBytes == 0 {
		options.MaxBodyBytes = defaultMaxBodyBytes
	}
	worker := &Worker{
		options: options, offers: map[uint32]*offer{}, refused: make(chan error, 1),
		requests: map[place]*Request{}, draining: map[place]struct{}{}, drained: make(chan struct{}, 1),
		kept: newKeptAnswers(10_000, 32<<20, 10*time.Minute), running: map[string]chan struct{}{},
	}
	links, err := newLinks(options.Brokers, options.MaxBodyBytes, linkEvents{
		onUp: worker.serveAt, onDown: worker.lose, onMessage: worker.take,
	})
	worker.links = links
	return worker, err
}

// Serve offers a service once Run is called.
func (w *Worker) Serve(service Service) error {
	if service.Version == "" {
		service.Version = "1.0.0"
	}
	if service.Concurrency == 0 {
		service.Concurrency = defaultConcurrency
	}
	invalid := ""
	if len(service.Methods) == 0 {
		invalid = "Methods"
	}
	for method, handler := range service.Methods {
		if !methodPattern.MatchString(method) || handler == nil {
			invalid = "Methods"
		}
	}
	switch {
	case !servicePattern.MatchString(service.Name):
		invalid = "Name"
	case utf8.RuneCountInString(service.Version) > 64:
		invalid = "Version"
	case service.Concurrency < 1 || service.Concurrency > maxConcurrency:
		invalid = "Concurrency"
	}
	if invalid != "" {
		return NewError(CodeInvalidArgument, "", map[string]any{"argument": invalid})
	}
	w.offers[uint32(len(w.offers)+1)] = &offer{service, make(chan struct{}, service.Concurrency)}
	return nil
}

// Run serves until the context is done: then it takes no new calls, answers those it has, and returns nil. It fails when a
// broker refuses a service.
func (w *Worker) Run(ctx context.Context) error {
	for _, link := range w.links {
		go link.run()
		defer link.close()
	}
	select {
	case err := <-w.refused:
		return err
	case <-ctx.Done():
	}
	w.beginDraining()
	for w.isDraining() {
		<-w.drained
	}
	w.calls.Wait()
	return nil
}

func (w *Worker) serveAt(current *session) {
	w.mu.Lock()
	stopping := w.stopping
	w.mu.Unlock()
	if stopping {
		return
	}
	for id, offer := range w.offers {
		methods := make([]string, 0, len(offer.service.Methods))
		for method := range offer.service.Methods {
			methods = append(methods, method)
		}
		id, concurrency, pingMs := id, uint32(offer.service.Concurrency), uint32(pingInterval.Milliseconds())
		current.send(plain.Message{
			Kind: "serve", ID: &id, Worker: w.options.Name, Service: offer.service.Name, Version: offer.service.Version,
			Methods: methods, Concurrency: &concurrency, PingMs: &pingMs,
		})
	}
}

func (w *Worker) take(from *session, message plain.Message) {
	switch message.Kind {
	case "again":
		w.serveAt(from)
		return
	case "refused":
		select {
		case w.refused <- errorOf(message):
		default:
		}
		return
	}
	if message.ID == nil {
		return
	}
	at := place{from, *message.ID}
	switch message.Kind {
	case "call":
		w.begin(at, message)
	case "cancel", "more":
		w.mu.Lock()
		request := w.requests[at]
		w.mu.Unlock()
		if request != nil && message.Kind == "cancel" {
			request.cancel()
		} else if request != nil {
			request.grant(*message.Count)
		}
	case "drained":
		w.mu.Lock()
		delete(w.draining, at)
		w.mu.Unlock()
		w.tellDrained()
	}
}

func (w *Worker) begin(at place, message plain.Message) {
	timeout := time.Duration(defaultTimeoutMs) * time.Millisecond
	if message.TimeoutMs != nil {
		timeout = time.Duration(*message.TimeoutMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), traceKey{}, message.Trace), timeout)
	request := &Request{
		Service: message.Service, Method: message.Method, Body: message.Body, Headers: message.Headers,
		Trace: message.Trace, Key: message.Key, Route: message.Route, IsStream: message.Stream,
		ctx: ctx, cancel: cancel, session: at.session, id: at.id, maxBodyBytes: w.options.MaxBodyBytes,
		credit: firstCredit, granted: make(chan struct{}, 1),
	}
	if message.Target != nil {
		request.target = *message.Target
	}
	w.mu.Lock()
	w.requests[at] = request
	w.mu.Unlock()
	w.calls.Add(1)
	go func() {
		defer w.calls.Done()
		defer cancel()
		outcome := w.outcomeOf(request)
		w.mu.Lock()
		delete(w.requests, at)
		w.mu.Unlock()
		w.answer(request, outcome)
	}()
}

func (w *Worker) outcomeOf(request *Request) answer {
	offer := w.offers[request.target]
	if offer == nil {
		return answer{failure: handedOut(CodeUnavailable, false, nil)}
	}
	handler := offer.service.Methods[request.Method]
	if handler == nil {
		return answer{failure: handedOut(CodeMethodUnknown, false, nil)}
	}
	select {
	case offer.slots <- struct{}{}:
		defer func() { <-offer.slots }()
	case <-request.ctx.Done():
		return answer{failure: handedOut(CodeCancelled, false, nil)}
	}
	if request.Key == "" {
		return w.carryOut(handler, request)
	}
	return w.once(handler, request)
}

// once carries out the calls of one key once and repeats the answer. A duplicate waits for the first; if that is given up, it is
// carried out itself.
func (w *Worker) once(handler Handler, request *Request) answer {
	key := request.Service + " " + request.Method + " " + request.Key
	for {
		w.mu.Lock()
		if kept, found := w.kept.get(key, time.Now()); found {
			w.mu.Unlock()
			return kept
		}
		first := w.running[key]
		if first == nil {
			break
		}
		w.mu.Unlock()
		select {
		case <-first:
		case <-request.ctx.Done():
			return answer{failure: handedOut(CodeCancelled, true, nil)}
		}
	}
	done := make(chan struct{})
	w.running[key] = done
	w.mu.Unlock()
	outcome := w.carryOut(handler, request)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, key)
	close(done)
	if outcome.failure == nil || !outcome.failure.Retryable && request.ctx.Err() == nil {
		w.kept.keep(key, outcome, time.Now())
	}
	return outcome
}

func (w *Worker) carryOut(handler Handler, request *Request) (outcome answer) {
	defer func() {
		if thrown := recover(); thrown != nil {
			outcome = w.failed(request, fmt.Errorf("panic: %v", thrown))
		}
	}()
	value, err := handler(request.ctx, request)
	if err != nil {
		return w.failed(request, err)
	}
	reply, isReply := value.(*Reply)
	if !isReply {
		body, err := encode(value, CodeInvalidOutput)
		if err != nil {
			return w.failed(request, err)
		}
		reply = &Reply{Body: body}
	}
	if err := checkSizes(reply.Body, reply.Headers, w.options.MaxBodyBytes); err != nil {
		return w.failed(request, err)
	}
	return answer{reply: reply}
}

func (w *Worker) failed(request *Request, err error) answer {
	if failure, isError := asError(err); isError {
		return answer{failure: begun(failure)}
	}
	if request.ctx.Err() == nil && w.options.OnFailure != nil {
		w.options.OnFailure(request, err)
	}
	return answer{failure: NewError(CodeInternal, "", nil)}
}

// begun: what a handler returns may come from a call of its own that never began; this one has. Details that are too many, or that
// JSON cannot say, are left out: code and message still tell the caller what to do.
func begun(failure *Error) *Error {
	if checkSizes(nil, failure.Details, 0) != nil {
		said := *failure
		said.Details = nil
		return &said
	}
	if _, found := failure.Details["handedOut"]; !found {
		return failure
	}
	said := *failure
	said.Details = make(map[string]any, len(failure.Details))
	for name, value := range failure.Details {
		said.Details[name] = value
	}
	said.Details["handedOut"] = true
	return &said
}

func (w *Worker) answer(request *Request, outcome answer) {
	if outcome.failure == nil {
		request.session.send(plain.Message{
			Kind: "reply", ID: &request.id, Headers: outcome.reply.Headers, Body: outcome.reply.Body,
		})
		return
	}
	request.session.send(errorMessage(&request.id, outcome.failure))
}

func (w *Worker) beginDraining() {
	w.mu.Lock()
	w.stopping = true
	w.mu.Unlock()
	for _, link := range w.links {
		current := link.session()
		if current == nil {
			continue
		}
		for id := range w.offers {
			id, at := id, place{current, id}
			w.mu.Lock()
			w.draining[at] = struct{}{}
			w.mu.Unlock()
			if !current.send(plain.Message{Kind: "drain", ID: &id}) {
				w.mu.Lock()
				delete(w.draining, at)
				w.mu.Unlock()
			}
		}
		// It may have gone between: then nobody else will say so.
		if link.session() != current {
			w.lose(current)
		}
	}
}

func (w *Worker) isDraining() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.draining) > 0
}

func (w *Worker) tellDrained() {
	select {
	case w.drained <- struct{}{}:
	default:
	}
}

// lose: a broker is gone, and whoever waited there for an answer with it.
func (w *Worker) lose(lost *session) {
	w.mu.Lock()
	for at := range w.draining {
		if at.session == lost {
			delete(w.draining, at)
		}
	}
	for at, request := range w.requests {
		if at.session == lost {
			request.cancel()
		}
	}
	w.mu.Unlock()
	w.tellDrained()
}
