package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// Longer than a client waits for the handshake, so that it is the client who gives up.
	gatePatience = 30 * time.Second
	gatePause    = 50 * time.Millisecond
)

// gateway leads the cluster's own programs to the API server, and makes them wait while that is away.
//
// A client that is refused comes back after a pause that doubles up to half a minute each time, and a test that takes the API
// server away would have to wait for all of them. An API server that just started refuses too: it listens before it knows
// who may do what.
type gateway struct {
	to   string
	open atomic.Bool
}

// gate runs a gateway.
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
	way := &gateway{to: *to}
	go way.watch(ctx)
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			go way.pass(client)
		}
	}
}

// watch opens the gate whenever it is shut and the API server is ready.
func (way *gateway) watch(ctx context.Context) {
	asks := &http.Client{
		Timeout: 2 * time.Second,
		// Who answers does not matter here: each client makes sure for itself.
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
	}
	for ; ctx.Err() == nil; time.Sleep(gatePause) {
		if way.open.Load() {
			continue
		}
		answer, err := asks.Get("https://" + way.to + "/readyz")
		if err != nil {
			continue
		}
		answer.Body.Close()
		way.open.Store(answer.StatusCode == http.StatusOK)
	}
}

func (way *gateway) pass(client net.Conn) {
	defer client.Close()
	server := way.dial()
	if server == nil {
		return
	}
	defer server.Close()
	go func() {
		// Either side may hang up; the other learns of it when both connections are closed.
		_, _ = io.Copy(server, client)
		server.Close()
	}()
	_, err := io.Copy(client, server)
	// A server that hangs up may be one that has gone.
	if err == nil {
		way.open.Store(false)
	}
}

func (way *gateway) dial() net.Conn {
	for end := time.Now().Add(gatePatience); time.Now().Before(end); time.Sleep(gatePause) {
		if !way.open.Load() {
			continue
		}
		if server, err := net.DialTimeout("tcp", way.to, time.Second); err == nil {
			return server
		}
		way.open.Store(false)
	}
	return nil
}
