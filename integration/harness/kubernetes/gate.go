package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"time"
)

// Longer than a client waits for the handshake, so that it is the client who gives up.
const gatePatience = 30 * time.Second

// gate leads the cluster's own programs to the API server, and makes them wait while that is away.
//
// A client that is refused comes back after a pause that doubles up to half a minute each time, and a test that takes the API
// server away would have to wait for all of them.
//
//	gate --listen ADDRESS:PORT --to ADDRESS:PORT
func gate(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("gate", flag.ContinueOnError)
	listen := flags.String("listen", "", "address and port")
	to := flags.String("to", "", "where the API server listens")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		listener.Close()
	}()
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			go pass(ctx, client, *to)
		}
	}
}

func pass(ctx context.Context, client net.Conn, to string) {
	defer client.Close()
	server := dialPatiently(ctx, to)
	if server == nil {
		return
	}
	defer server.Close()
	ended := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			// Either side may hang up; the other learns of it when both connections are closed.
			_, _ = io.Copy(pair[0], pair[1])
			ended <- struct{}{}
		}()
	}
	<-ended
}

func dialPatiently(ctx context.Context, to string) net.Conn {
	for end := time.Now().Add(gatePatience); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		if server, err := net.DialTimeout("tcp", to, time.Second); err == nil {
			return server
		}
	}
	return nil
}
