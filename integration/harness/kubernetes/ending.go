package main

import (
	"time"

	core "k8s.io/api/core/v1"
)

// end ends a pod that is being deleted. It tells whether the pod has gone.
func (look *life) end() bool {
	look.status = look.pod.Status.DeepCopy()
	if finished(look.status.Phase) {
		return true
	}
	grace := time.Duration(0)
	if look.pod.DeletionGracePeriodSeconds != nil {
		grace = time.Duration(*look.pod.DeletionGracePeriodSeconds) * time.Second
	}
	if look.is.fails == stuckTerminating {
		return false
	}
	asked := look.pod.DeletionTimestamp.Add(-grace)
	if !look.due(asked.Add(min(look.is.stop, grace))) {
		return false
	}
	code := int32(0)
	if look.is.stop > grace {
		code = 137
	}
	failed := look.stopAll(code)
	look.status.Phase = core.PodSucceeded
	if failed {
		look.status.Phase = core.PodFailed
	}
	look.setConditions()
	return true
}

// stopAll stops every container that runs, with a code, and tells whether any ended badly.
func (look *life) stopAll(code int32) bool {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	failed := false
	for _, group := range []struct {
		statuses []core.ContainerStatus
		field    string
	}{{look.status.InitContainerStatuses, "spec.initContainers"}, {look.status.ContainerStatuses, "spec.containers"}} {
		for index := range group.statuses {
			status := &group.statuses[index]
			if status.State.Running != nil {
				look.tell(core.EventTypeNormal, "Killing", group.field+"{"+status.Name+"}", "Stopping container %s", status.Name)
				look.finish(status, code, reason)
			}
			status.Ready = status.Ready && status.State.Terminated != nil && status.State.Terminated.ExitCode == 0
			failed = failed || status.State.Terminated == nil || status.State.Terminated.ExitCode != 0
		}
	}
	return failed
}
