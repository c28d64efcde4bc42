// Serves the greeter that ../call calls, until Ctrl-C: go run ./examples/serve [address]
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	im "example.org/im/clients/go"
)

type person struct {
	Name string `json:"name"`
}

func greet(_ context.Context, request *im.Request) (any, error) {
	var who person
	if err := request.Decode(&who); err != nil {
		return nil, err
	}
	if who.Name == "" {
		return nil, im.NewError(im.CodeInvalidInput, "a name, please", map[string]any{"issues": []string{"name"}})
	}
	return map[string]string{"text": "Hello, " + who.Name}, nil
}

func spell(_ context.Context, request *im.Request) (any, error) {
	var who person
	if err := request.Decode(&who); err != nil {
		return nil, err
	}
	for _, letter := range who.Name {
		if err := request.Send(string(letter)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func main() {
	address := "tcp://127.0.0.1:7402"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	worker, err := im.NewWorker(im.WorkerOptions{
		Brokers:   []string{address},
		OnFailure: func(request *im.Request, err error) { log.Printf("%s failed: %v", request.Method, err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	methods := map[string]im.Handler{"greet": greet, "spell": spell}
	if err := worker.Serve(im.Service{Name: "greeter", Methods: methods}); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
