// Command rhumb-kube is a whole Kubernetes cluster in one binary, for tests.
//
// The first argument says which part it is: one of Kubernetes' own programs, or one of the parts that a cluster needs
// beside them and that no Debian package has. With the build tag `parts` it has only the latter.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // CronJobs name time zones, and the machine may know none.
)

// parts are called with a context that ends at SIGTERM, and the arguments after the part's name.
var parts = map[string]func(context.Context, []string) error{
	"init":      initProcess,
	"gate":      gate,
	"image":     writeImage,
	"dns":       serveNames,
	"provision": provision,
	"simulate":  simulate,
}

// components are Kubernetes' own programs. They are called with their arguments and return their exit code.
var components = map[string]func([]string) int{}

func main() {
	arguments := os.Args[1:]
	if len(arguments) == 0 {
		fmt.Fprintln(os.Stderr, usage())
		os.Exit(2)
	}
	name, arguments := arguments[0], arguments[1:]
	if component, found := components[name]; found {
		// Its messages and its help show the name it is known by.
		os.Args = append([]string{name}, arguments...)
		os.Exit(component(arguments))
	}
	part, found := parts[name]
	if !found {
		fmt.Fprintln(os.Stderr, usage())
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := part(ctx, arguments); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func usage() string {
	names := slices.Sorted(maps.Keys(parts))
	names = append(names, slices.Sorted(maps.Keys(components))...)
	return "usage: rhumb-kube " + strings.Join(names, " | ")
}
