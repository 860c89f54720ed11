package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
)

const (
	annotationPrefix = "simulate.rhumb.dev/"
	simulatedLabel   = "rhumb.dev/simulated"
	lostAnnotation   = annotationPrefix + "lost"
)

// failure is a way to fail on purpose, as the annotation `fail` names it.
type failure string

const (
	works             failure = ""
	imagePull         failure = "image-pull"
	crashLoop         failure = "crash-loop"
	neverReady        failure = "never-ready"
	exits             failure = "exit"
	slow              failure = "slow"
	outOfMemory       failure = "oom"
	configError       failure = "create-container-config-error"
	startError        failure = "start-error"
	livenessFails     failure = "liveness"
	stuckCreating     failure = "stuck-creating"
	stuckTerminating  failure = "stuck-terminating"
	defaultRun                = time.Second
	defaultStart              = 300 * time.Millisecond
	failureAnnotation         = "fail"
	runAnnotation             = "run"
	startAnnotation           = "start"
	stopAnnotation            = "stop"
	eventsAnnotation          = "events"
)

// behaviour is what a simulated pod does.
type behaviour struct {
	fails failure
	// The code that a failing container ends with.
	exitCode int32
	// How long a container takes to become ready, with `slow`.
	readyAfter time.Duration
	// Only containers whose image ends so fail, or the one of this name; any when empty.
	image, container string
	// How long a container takes to start, to do what it has to do, and to stop.
	start, run, stop time.Duration
	// Whether only warnings are written as events.
	quiet bool
}

// behaviourOf reads the annotations of a pod and, for what the pod does not say, those of its namespace.
//
// A namespace says `fail.web` for the pods of the workload web: those with the label app.kubernetes.io/name or app of that
// value, or whose names are `web` or begin with `web-`. It says `fail` for all pods.
func behaviourOf(pod *core.Pod, namespace *core.Namespace) (behaviour, error) {
	is := behaviour{start: defaultStart, run: defaultRun}
	for name, duration := range map[string]*time.Duration{
		runAnnotation: &is.run, startAnnotation: &is.start, stopAnnotation: &is.stop,
	} {
		text := setting(pod, namespace, name)
		if text == "" {
			continue
		}
		value, err := time.ParseDuration(text)
		if err != nil {
			return is, fmt.Errorf("%s%s: %w", annotationPrefix, name, err)
		}
		*duration = value
	}
	switch events := setting(pod, namespace, eventsAnnotation); events {
	case "", "all":
	case "warnings":
		is.quiet = true
	default:
		return is, fmt.Errorf("%s%s: what is %q?", annotationPrefix, eventsAnnotation, events)
	}
	return is, is.readFailure(setting(pod, namespace, failureAnnotation))
}

func setting(pod *core.Pod, namespace *core.Namespace, name string) string {
	if value, found := pod.Annotations[annotationPrefix+name]; found {
		return value
	}
	if namespace == nil {
		return ""
	}
	for _, label := range []string{"app.kubernetes.io/name", "app"} {
		if value, found := namespace.Annotations[annotationPrefix+name+"."+pod.Labels[label]]; found {
			return value
		}
	}
	// The longest name that fits is the one that is meant.
	for end := len(pod.Name); end > 0; end = strings.LastIndexByte(pod.Name[:end], '-') {
		if value, found := namespace.Annotations[annotationPrefix+name+"."+pod.Name[:end]]; found {
			return value
		}
	}
	return namespace.Annotations[annotationPrefix+name]
}

// readFailure reads `MODE[:ARGUMENT][,image=SUFFIX][,container=NAME]`.
func (is *behaviour) readFailure(text string) error {
	words := strings.Split(text, ",")
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		switch name {
		case "image":
			is.image = value
		case "container":
			is.container = value
		default:
			return fmt.Errorf("%sfail: what is %q?", annotationPrefix, word)
		}
	}
	mode, argument, _ := strings.Cut(strings.TrimSpace(words[0]), ":")
	is.fails, is.exitCode = failure(mode), 1
	switch is.fails {
	case works, "none":
		is.fails = works
	case imagePull, neverReady, configError, stuckCreating, stuckTerminating:
	case crashLoop:
		return is.readExitCode(argument, "1")
	case exits:
		return is.readExitCode(argument, "")
	case outOfMemory, livenessFails:
		is.exitCode = 137
	case startError:
		is.exitCode = 128
	case slow:
		value, err := time.ParseDuration(argument)
		is.readyAfter = value
		return err
	default:
		return fmt.Errorf("%sfail: what is %q?", annotationPrefix, mode)
	}
	return nil
}

func (is *behaviour) readExitCode(text, otherwise string) error {
	if text == "" {
		text = otherwise
	}
	code, err := strconv.ParseInt(text, 10, 32)
	if err != nil || code < 0 || code > 255 {
		return fmt.Errorf("%sfail: %q is no exit code", annotationPrefix, text)
	}
	is.exitCode = int32(code)
	return nil
}

// failsIn tells whether a container is one that fails, and fails so.
func (is *behaviour) failsIn(container *core.Container, isInit bool, modes ...failure) bool {
	if !strings.HasSuffix(container.Image, is.image) || (is.container != "" && is.container != container.Name) {
		return false
	}
	// An initial container fails only when it is named.
	if isInit && is.container == "" {
		return false
	}
	for _, mode := range modes {
		if is.fails == mode {
			return true
		}
	}
	return false
}
