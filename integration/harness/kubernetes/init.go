package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// initProcess is process 1 of the cluster: it collects orphans and waits for its end, which is the cluster's.
func initProcess(ctx context.Context, _ []string) error {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for {
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil
		}
	}
}
