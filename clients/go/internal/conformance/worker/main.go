// worker <service> <address>…: the worker that tests/clients drives, the same in every language.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	im "example.org/im/clients/go"
)

var carriedOut int64

func number(request *im.Request) (int, error) {
	var number int
	err := request.Decode(&number)
	return number, err
}

var methods = map[string]im.Handler{
	"echo": func(_ context.Context, request *im.Request) (any, error) {
		return &im.Reply{Body: request.Body, Headers: request.Headers}, nil
	},
	"pid": func(context.Context, *im.Request) (any, error) {
		return os.Getpid(), nil
	},
	"fail": func(context.Context, *im.Request) (any, error) {
		return nil, errors.New("a secret")
	},
	"soldOut": func(context.Context, *im.Request) (any, error) {
		details := map[string]any{"left": 0}
		return nil, &im.Error{Code: 1001, Name: "SOLD_OUT", Message: "sold out", Retryable: true, Details: details}
	},
	"once": func(context.Context, *im.Request) (any, error) {
		return atomic.AddInt64(&carriedOut, 1), nil
	},
	"trace": func(_ context.Context, request *im.Request) (any, error) {
		return []string{request.Trace, request.Key, request.Route}, nil
	},
	"count": func(_ context.Context, request *im.Request) (any, error) {
		count, err := number(request)
		for part := 0; part < count && err == nil; part++ {
			err = request.Send(part)
		}
		return count, err
	},
	"hang": func(ctx context.Context, _ *im.Request) (any, error) {
		fmt.Println("hanging")
		<-ctx.Done()
		fmt.Println("cancelled")
		return nil, im.NewError(im.CodeDeadlineExceeded, "", map[string]any{"handedOut": true})
	},
	"slow": func(_ context.Context, request *im.Request) (any, error) {
		fmt.Println("slow")
		ms, err := number(request)
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return "done", err
	},
}

func main() {
	worker, err := im.NewWorker(im.WorkerOptions{Brokers: os.Args[2:]})
	if err != nil {
		log.Fatal(err)
	}
	if err := worker.Serve(im.Service{Name: os.Args[1], Methods: methods, Concurrency: 1}); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("drained")
}
