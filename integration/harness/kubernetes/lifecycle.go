package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// How long a failed pull and the end of a container are to be seen before the pause that follows.
	shown         = time.Second
	firstPause    = 10 * time.Second
	longestPause  = 5 * time.Minute
	eventInterval = 10 * time.Second
	presentImage  = "Container image %q already present on machine and can be accessed by the pod"
)

// happening is an event that a kubelet would write.
type happening struct {
	kind, reason, message, field string
}

// life is one look at a pod: its status moves on as far as time allows.
//
// All that is known of a pod's past is in its status, so that the simulator can restart at any time.
type life struct {
	pod       *core.Pod
	is        behaviour
	now       time.Time
	status    *core.PodStatus
	happened  []happening
	wakeAfter time.Duration
	// What the pod refers to and is not there: containers, and the pod's volumes.
	missingFor    map[string]string
	missingVolume string
}

// advance gives the pod's next status, the events on the way to it, and when to look again; 0 is never.
func (look *life) advance(podAddress, nodeAddress string) {
	look.status = look.pod.Status.DeepCopy()
	if finished(look.status.Phase) {
		return
	}
	if look.status.StartTime == nil {
		look.accept(podAddress, nodeAddress)
	}
	if look.is.fails == stuckCreating || look.missingVolume != "" {
		look.waitForVolumes()
	} else if look.pastDeadline() {
		look.stopAll(137)
		look.status.Phase, look.status.Reason = core.PodFailed, "DeadlineExceeded"
		look.status.Message = "Pod was active on the node longer than the specified deadline"
		look.setConditions()
		return
	} else if look.initialise() {
		for index := range look.pod.Spec.Containers {
			look.move(&look.pod.Spec.Containers[index], &look.status.ContainerStatuses[index], false)
		}
	}
	look.setPhase()
	look.setConditions()
}

func finished(phase core.PodPhase) bool { return phase == core.PodSucceeded || phase == core.PodFailed }

// wake asks for another look after a while.
func (look *life) wake(after time.Duration) {
	after = max(after, 10*time.Millisecond)
	if look.wakeAfter == 0 || after < look.wakeAfter {
		look.wakeAfter = after
	}
}

// due tells whether a moment has come, and asks for another look when it has not.
func (look *life) due(moment time.Time) bool {
	if look.now.Before(moment) {
		look.wake(moment.Sub(look.now))
		return false
	}
	return true
}

func (look *life) tell(kind, reason, field, format string, arguments ...any) {
	look.happened = append(look.happened, happening{kind, reason, fmt.Sprintf(format, arguments...), field})
}

func (look *life) accept(podAddress, nodeAddress string) {
	status := look.status
	start := meta.NewTime(look.now)
	status.Phase, status.StartTime, status.HostIP = core.PodPending, &start, nodeAddress
	status.HostIPs = []core.HostIP{{IP: nodeAddress}}
	status.PodIP = podAddress
	if look.pod.Spec.HostNetwork {
		status.PodIP = nodeAddress
	}
	status.PodIPs = []core.PodIP{{IP: status.PodIP}}
	reason := "ContainerCreating"
	if len(look.pod.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	status.InitContainerStatuses = waiting(look.pod.Spec.InitContainers, reason)
	status.ContainerStatuses = waiting(look.pod.Spec.Containers, reason)
}

func waiting(containers []core.Container, reason string) []core.ContainerStatus {
	var statuses []core.ContainerStatus
	for _, container := range containers {
		statuses = append(statuses, core.ContainerStatus{
			Name: container.Name, Image: container.Image, Started: new(bool),
			State: core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: reason}},
		})
	}
	return statuses
}

func (look *life) waitForVolumes() {
	why := look.missingVolume
	if why == "" {
		why = `MountVolume.SetUp failed for volume "data" : mount failed: exit status 32`
	}
	if look.due(look.status.StartTime.Add(look.is.start)) {
		look.tell(core.EventTypeWarning, "FailedMount", "", "%s", why)
		look.wake(eventInterval)
	}
}

func (look *life) pastDeadline() bool {
	deadline := look.pod.Spec.ActiveDeadlineSeconds
	return deadline != nil && look.due(look.status.StartTime.Add(time.Duration(*deadline)*time.Second))
}

// initialise moves the initial containers, one after the other, and tells whether all have done their work.
func (look *life) initialise() bool {
	for index := range look.pod.Spec.InitContainers {
		container, status := &look.pod.Spec.InitContainers[index], &look.status.InitContainerStatuses[index]
		look.move(container, status, true)
		if !initialised(container, status) {
			return false
		}
	}
	return true
}

func sidecar(container *core.Container) bool {
	return container.RestartPolicy != nil && *container.RestartPolicy == core.ContainerRestartPolicyAlways
}

func initialised(container *core.Container, status *core.ContainerStatus) bool {
	if sidecar(container) {
		return status.Started != nil && *status.Started
	}
	return status.State.Terminated != nil && status.State.Terminated.ExitCode == 0
}

// move moves one container on.
func (look *life) move(container *core.Container, status *core.ContainerStatus, isInit bool) {
	switch {
	case status.State.Waiting != nil:
		look.moveWaiting(container, status, isInit)
	case status.State.Running != nil:
		look.moveRunning(container, status, isInit)
	case status.State.Terminated != nil:
		look.moveTerminated(container, status, isInit)
	}
}

func field(container *core.Container, isInit bool) string {
	if isInit {
		return "spec.initContainers{" + container.Name + "}"
	}
	return "spec.containers{" + container.Name + "}"
}

func (look *life) moveWaiting(container *core.Container, status *core.ContainerStatus, isInit bool) {
	place := field(container, isInit)
	began := look.status.StartTime.Add(look.is.start)
	switch reason := status.State.Waiting.Reason; reason {
	case "CrashLoopBackOff":
		if look.due(status.LastTerminationState.Terminated.FinishedAt.Add(pauseBefore(status.RestartCount + 1))) {
			look.startAgain(container, status, isInit)
		} else {
			look.tellBackOff(container, place)
		}
		return
	case "ErrImagePull", "ImagePullBackOff":
		look.pull(container, status, isInit, look.now.Sub(began))
		return
	}
	if !look.due(began) {
		return
	}
	if missing := look.missingFor[container.Name]; missing != "" || look.is.failsIn(container, isInit, configError) {
		if missing == "" {
			missing = `configmap "missing" not found`
		}
		look.setWaiting(status, "CreateContainerConfigError", missing)
		look.tell(core.EventTypeNormal, "Pulled", place, presentImage, container.Image)
		look.tell(core.EventTypeWarning, "Failed", place, "Error: %s", missing)
		look.wake(eventInterval)
		return
	}
	if look.is.failsIn(container, isInit, imagePull) {
		look.pull(container, status, isInit, look.now.Sub(began))
		return
	}
	look.begin(container, status, isInit)
}

func (look *life) setWaiting(status *core.ContainerStatus, reason, message string) {
	status.State = core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: reason, Message: message}}
	status.Ready, status.Started = false, new(bool)
}

// pull pulls an image that is not there, at 0, 10, 30, 70 … seconds.
func (look *life) pull(container *core.Container, status *core.ContainerStatus, isInit bool, elapsed time.Duration) {
	place := field(container, isInit)
	var last time.Duration
	pause := firstPause
	for last+pause <= elapsed {
		last += pause
		pause = min(2*pause, longestPause)
	}
	trying := elapsed-last < shown
	was := status.State.Waiting.Reason
	why := fmt.Sprintf("failed to pull and unpack image %q: failed to resolve reference %q: %s: not found",
		reference(container.Image), reference(container.Image), reference(container.Image))
	if trying {
		look.wake(last + shown - elapsed)
	} else {
		look.wake(last + pause - elapsed)
	}
	switch {
	case trying && was != "ErrImagePull" && !look.is.failsIn(container, isInit, imagePull):
		look.begin(container, status, isInit)
	case trying && was != "ErrImagePull":
		look.tell(core.EventTypeNormal, "Pulling", place, "Pulling image %q", container.Image)
		look.tell(core.EventTypeWarning, "Failed", place, "Failed to pull image %q: %s", container.Image, why)
		look.tell(core.EventTypeWarning, "Failed", place, "Error: ErrImagePull")
		look.setWaiting(status, "ErrImagePull", why)
	case !trying && was != "ImagePullBackOff":
		look.tell(core.EventTypeNormal, "BackOff", place, "Back-off pulling image %q", container.Image)
		look.tell(core.EventTypeWarning, "Failed", place, "Error: ImagePullBackOff")
		look.setWaiting(status, "ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", container.Image, why))
	}
}

// reference is an image's whole name.
func reference(image string) string {
	name := image
	if first, _, found := strings.Cut(image, "/"); !found {
		name = "docker.io/library/" + image
	} else if !strings.ContainsAny(first, ".:") && first != "localhost" {
		name = "docker.io/" + image
	}
	if strings.Contains(name, "@") || strings.Contains(name[strings.LastIndex(name, "/"):], ":") {
		return name
	}
	return name + ":latest"
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// begin starts a container.
func (look *life) begin(container *core.Container, status *core.ContainerStatus, isInit bool) {
	place := field(container, isInit)
	status.Image = reference(container.Image)
	status.ImageID = "sha256:" + digest(status.Image)
	status.ContainerID = "simulated://" + digest(string(look.pod.UID), container.Name, fmt.Sprint(status.RestartCount))
	look.tell(core.EventTypeNormal, "Pulled", place, presentImage, container.Image)
	look.tell(core.EventTypeNormal, "Created", place, "Container created")
	started := meta.NewTime(look.now)
	if look.is.failsIn(container, isInit, startError) {
		why := startErrorMessage(container)
		look.tell(core.EventTypeWarning, "Failed", place, "Error: %s", why)
		status.State = core.ContainerState{Terminated: &core.ContainerStateTerminated{
			ExitCode: look.is.exitCode, Reason: "StartError", Message: why,
			StartedAt: meta.NewTime(time.Unix(0, 0)), FinishedAt: started, ContainerID: status.ContainerID,
		}}
		look.wake(shown)
		return
	}
	look.tell(core.EventTypeNormal, "Started", place, "Container started")
	status.State = core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: started}}
	look.moveRunning(container, status, isInit)
}

func startErrorMessage(container *core.Container) string {
	program := "/missing"
	if len(container.Command) > 0 {
		program = container.Command[0]
	}
	return fmt.Sprintf("failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "+
		"unable to start container process: exec: %q: stat %s: no such file or directory: unknown", program, program)
}

func (look *life) startAgain(container *core.Container, status *core.ContainerStatus, isInit bool) {
	if status.State.Terminated != nil {
		status.LastTerminationState = status.State
	}
	status.RestartCount++
	look.begin(container, status, isInit)
}

func (look *life) moveRunning(container *core.Container, status *core.ContainerStatus, isInit bool) {
	started := status.State.Running.StartedAt.Time
	completes := look.pod.Spec.RestartPolicy != core.RestartPolicyAlways || isInit
	if look.is.failsIn(container, isInit, crashLoop, exits, outOfMemory, livenessFails) {
		if look.due(started.Add(look.is.run)) {
			look.crash(container, status, isInit)
			return
		}
	} else if completes && !sidecar(container) && look.due(started.Add(look.is.run)) {
		look.finish(status, 0, "Completed")
		return
	}
	look.probe(container, status, isInit, started)
}

func (look *life) crash(container *core.Container, status *core.ContainerStatus, isInit bool) {
	reason := "Error"
	if look.is.exitCode == 0 {
		reason = "Completed"
	}
	if look.is.fails == outOfMemory {
		reason = "OOMKilled"
	}
	if look.is.fails == livenessFails {
		place := field(container, isInit)
		look.tell(core.EventTypeWarning, "Unhealthy", place, "Liveness probe failed: HTTP probe failed with statuscode: 503")
		look.tell(core.EventTypeNormal, "Killing", place, "Container %s failed liveness probe, will be restarted", container.Name)
	}
	look.finish(status, look.is.exitCode, reason)
}

func (look *life) finish(status *core.ContainerStatus, code int32, reason string) {
	started := meta.NewTime(look.now)
	if status.State.Running != nil {
		started = status.State.Running.StartedAt
	}
	status.State = core.ContainerState{Terminated: &core.ContainerStateTerminated{
		ExitCode: code, Reason: reason, StartedAt: started, FinishedAt: meta.NewTime(look.now), ContainerID: status.ContainerID,
	}}
	status.Ready, status.Started = false, new(bool)
	look.wake(shown)
}

// probe sets what the probes of a running container would find.
func (look *life) probe(container *core.Container, status *core.ContainerStatus, isInit bool, started time.Time) {
	if isInit && !sidecar(container) {
		status.Started = new(bool)
		*status.Started = true
		return
	}
	up := started.Add(initialDelay(container.StartupProbe))
	ready := up.Add(initialDelay(container.ReadinessProbe))
	if look.is.failsIn(container, isInit, slow) {
		ready = started.Add(look.is.readyAfter)
		if container.StartupProbe != nil {
			up = ready
		}
	}
	isUp := look.due(up)
	status.Started = &isUp
	if look.is.failsIn(container, isInit, neverReady) {
		status.Ready = false
		if probe := container.ReadinessProbe; isUp && probe != nil {
			look.tell(core.EventTypeWarning, "Unhealthy", field(container, isInit),
				"Readiness probe failed: %s", probeFailure(probe, look.status.PodIP))
			look.wake(eventInterval)
		}
		return
	}
	// What crashes does so before a probe succeeds.
	if container.ReadinessProbe != nil && look.is.failsIn(container, isInit, crashLoop, exits, outOfMemory) {
		status.Ready = false
		return
	}
	status.Ready = isUp && look.due(ready)
}

// initialDelay is how long a probe takes to succeed, at the least.
func initialDelay(probe *core.Probe) time.Duration {
	if probe == nil {
		return 0
	}
	return time.Duration(probe.InitialDelaySeconds)*time.Second + 200*time.Millisecond
}

func probeFailure(probe *core.Probe, address string) string {
	switch {
	case probe.HTTPGet != nil:
		return "HTTP probe failed with statuscode: 503"
	case probe.TCPSocket != nil:
		return fmt.Sprintf("dial tcp %s:%s: connect: connection refused", address, probe.TCPSocket.Port.String())
	case probe.GRPC != nil:
		return fmt.Sprintf("timeout: failed to connect service \"%s:%d\" within 1s: context deadline exceeded", address, probe.GRPC.Port)
	}
	return "not ready"
}

func (look *life) moveTerminated(container *core.Container, status *core.ContainerStatus, isInit bool) {
	ended := status.State.Terminated
	if !look.restarts(container, ended.ExitCode, isInit) || !look.due(ended.FinishedAt.Add(shown)) {
		return
	}
	pause := pauseBefore(status.RestartCount + 1)
	if look.due(ended.FinishedAt.Add(pause)) {
		look.startAgain(container, status, isInit)
		return
	}
	status.LastTerminationState = status.State
	look.setWaiting(status, "CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
		pause, container.Name, look.pod.Name, look.pod.Namespace, look.pod.UID))
	look.tellBackOff(container, field(container, isInit))
}

func (look *life) tellBackOff(container *core.Container, place string) {
	look.tell(core.EventTypeWarning, "BackOff", place, "Back-off restarting failed container %s in pod %s_%s(%s)",
		container.Name, look.pod.Name, look.pod.Namespace, look.pod.UID)
	look.wake(eventInterval)
}

func (look *life) restarts(container *core.Container, code int32, isInit bool) bool {
	policy := look.pod.Spec.RestartPolicy
	switch {
	case sidecar(container):
		return true
	case isInit:
		return code != 0 && policy != core.RestartPolicyNever
	case policy == core.RestartPolicyAlways:
		return true
	}
	return policy == core.RestartPolicyOnFailure && code != 0
}

// pauseBefore is how long a kubelet waits before a container's nth restart: not at all before the first.
func pauseBefore(restart int32) time.Duration {
	if restart <= 1 {
		return 0
	}
	return min(firstPause<<min(restart-2, 10), longestPause)
}
