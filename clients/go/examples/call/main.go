// Calls the greeter that ../serve serves: go run ./examples/call [address]
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	im "example.org/im/clients/go"
)

func main() {
	address := "tcp://127.0.0.1:7401"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	caller, err := im.NewCaller(im.CallerOptions{Brokers: []string{address}})
	if err != nil {
		log.Fatal(err)
	}
	defer caller.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	idempotent := &im.CallOptions{Idempotent: true}

	var greeting struct {
		Text string `json:"text"`
	}
	if err := caller.Call(ctx, "greeter", "greet", map[string]string{"name": "Ann"}, &greeting, idempotent); err != nil {
		log.Fatal(err)
	}
	fmt.Println(greeting.Text)

	letters, err := caller.Stream(ctx, "greeter", "spell", map[string]string{"name": "Ann"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer letters.Close()
	for letters.Next() {
		var letter string
		if err := letters.Decode(&letter); err != nil {
			log.Fatal(err)
		}
		fmt.Println(letter)
	}
	if err := letters.Err(); err != nil {
		log.Fatal(err)
	}

	err = caller.Call(ctx, "greeter", "greet", map[string]string{"name": ""}, nil, idempotent)
	if im.CodeOf(err) == im.CodeInvalidInput {
		fmt.Println(err)
	}
}
