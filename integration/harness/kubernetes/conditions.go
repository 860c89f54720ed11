package main

import (
	"fmt"
	"strings"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// setPhase sums up the containers as a kubelet does.
func (look *life) setPhase() {
	policy := look.pod.Spec.RestartPolicy
	for index := range look.pod.Spec.InitContainers {
		container, status := &look.pod.Spec.InitContainers[index], &look.status.InitContainerStatuses[index]
		if initialised(container, status) {
			status.Ready = !sidecar(container) || status.Ready
			continue
		}
		look.status.Phase = core.PodPending
		if ended := status.State.Terminated; ended != nil && !look.restarts(container, ended.ExitCode, true) {
			look.status.Phase = core.PodFailed
		}
		return
	}
	var waits, runs, succeeded, failed int
	for _, status := range look.status.ContainerStatuses {
		ended := status.State.Terminated
		if ended == nil && status.State.Waiting != nil {
			ended = status.LastTerminationState.Terminated
		}
		switch {
		case status.State.Running != nil:
			runs++
		case ended == nil:
			waits++
		case ended.ExitCode == 0:
			succeeded++
		default:
			failed++
		}
	}
	switch {
	case waits > 0:
		look.status.Phase = core.PodPending
	case runs > 0 || policy == core.RestartPolicyAlways || (failed > 0 && policy == core.RestartPolicyOnFailure):
		look.status.Phase = core.PodRunning
	case failed > 0:
		look.status.Phase = core.PodFailed
	default:
		look.status.Phase = core.PodSucceeded
	}
	if finished(look.status.Phase) {
		look.stopAll(0)
	}
}

func (look *life) setConditions() {
	look.status.ObservedGeneration = look.pod.Generation
	running := core.ConditionTrue
	if finished(look.status.Phase) {
		running = core.ConditionFalse
	}
	look.setCondition(core.PodReadyToStartContainers, running, "", "")
	look.setInitialised()
	reason, message := look.unready()
	look.setReady(core.ContainersReady, reason, message)
	if reason == "" {
		reason, message = look.closedGates()
	}
	look.setReady(core.PodReady, reason, message)
}

func (look *life) setInitialised() {
	var incomplete []string
	for index := range look.pod.Spec.InitContainers {
		if !initialised(&look.pod.Spec.InitContainers[index], &look.status.InitContainerStatuses[index]) {
			incomplete = append(incomplete, look.pod.Spec.InitContainers[index].Name)
		}
	}
	switch {
	case look.status.Phase == core.PodSucceeded:
		look.setCondition(core.PodInitialized, "True", "PodCompleted", "")
	case len(incomplete) > 0:
		look.setCondition(core.PodInitialized, "False", "ContainersNotInitialized",
			fmt.Sprintf("containers with incomplete status: %s", incomplete))
	default:
		look.setCondition(core.PodInitialized, "True", "", "")
	}
}

// unready says why the containers are not ready, in a kubelet's words; nothing when they are.
func (look *life) unready() (string, string) {
	switch look.status.Phase {
	case core.PodSucceeded:
		return "PodCompleted", ""
	case core.PodFailed:
		return "PodFailed", ""
	}
	var unready []string
	for index, container := range look.pod.Spec.InitContainers {
		if sidecar(&container) && !look.status.InitContainerStatuses[index].Ready {
			unready = append(unready, container.Name)
		}
	}
	for _, status := range look.status.ContainerStatuses {
		if !status.Ready {
			unready = append(unready, status.Name)
		}
	}
	if len(unready) == 0 {
		return "", ""
	}
	return "ContainersNotReady", fmt.Sprintf("containers with unready status: %s", unready)
}

func (look *life) closedGates() (string, string) {
	var closed []string
	for _, gate := range look.pod.Spec.ReadinessGates {
		found := look.condition(gate.ConditionType)
		if found == nil {
			closed = append(closed, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		} else if found.Status != core.ConditionTrue {
			closed = append(closed, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v",
				gate.ConditionType, found.Status))
		}
	}
	if len(closed) == 0 {
		return "", ""
	}
	return "ReadinessGatesNotReady", strings.Join(closed, ", ")
}

func (look *life) setReady(kind core.PodConditionType, reason, message string) {
	if reason == "" {
		look.setCondition(kind, "True", "", "")
	} else {
		look.setCondition(kind, "False", reason, message)
	}
}

func (look *life) condition(kind core.PodConditionType) *core.PodCondition {
	for index := range look.status.Conditions {
		if look.status.Conditions[index].Type == kind {
			return &look.status.Conditions[index]
		}
	}
	return nil
}

func (look *life) setCondition(kind core.PodConditionType, value core.ConditionStatus, reason, message string) {
	found := look.condition(kind)
	if found == nil {
		look.status.Conditions = append(look.status.Conditions, core.PodCondition{Type: kind})
		found = &look.status.Conditions[len(look.status.Conditions)-1]
	}
	if found.Status != value {
		found.Status, found.LastTransitionTime = value, meta.NewTime(look.now)
	}
	found.Reason, found.Message, found.ObservedGeneration = reason, message, look.pod.Generation
}
