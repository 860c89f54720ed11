package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var dawn = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func demoPod(change func(*core.Pod)) *core.Pod {
	pod := &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "web-1", Namespace: "shop", UID: "u", Annotations: map[string]string{}},
		Spec: core.PodSpec{
			RestartPolicy: core.RestartPolicyAlways,
			Containers:    []core.Container{{Name: "c", Image: "demo:1"}},
		},
	}
	change(pod)
	return pod
}

func failing(mode string) func(*core.Pod) {
	return func(pod *core.Pod) { pod.Annotations["simulate.rhumb.dev/fail"] = mode }
}

// summary is what a glance at a pod shows.
func summary(status *core.PodStatus) string {
	words := []string{string(status.Phase)}
	for _, container := range append(slices.Clone(status.InitContainerStatuses), status.ContainerStatuses...) {
		state := "running"
		if waiting := container.State.Waiting; waiting != nil {
			state = waiting.Reason
		}
		if ended := container.State.Terminated; ended != nil {
			state = fmt.Sprintf("%s(%d)", ended.Reason, ended.ExitCode)
		}
		if container.Ready {
			state += "+"
		}
		if container.RestartCount > 0 {
			state += fmt.Sprintf("x%d", container.RestartCount)
		}
		words = append(words, state)
	}
	return strings.Join(words, " ")
}

// check lives a pod's life for a while and compares what it looks like each time that changes, with the seconds.
func check(t *testing.T, pod *core.Pod, lasts time.Duration, expected ...string) {
	t.Helper()
	is, err := behaviourOf(pod, nil)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	last := ""
	for now := dawn; now.Before(dawn.Add(lasts)); {
		look := &life{pod: pod, is: is, now: now}
		look.advance("10.0.0.1", "10.64.0.1")
		pod.Status = *look.status
		if is := summary(look.status); is != last {
			seen = append(seen, fmt.Sprintf("%.0f %s", now.Sub(dawn).Seconds(), is))
			last = is
		}
		if look.wakeAfter == 0 {
			break
		}
		now = now.Add(look.wakeAfter)
	}
	if !slices.Equal(seen, expected) {
		t.Errorf("got\n%s\nexpected\n%s", strings.Join(seen, "\n"), strings.Join(expected, "\n"))
	}
}

func TestAPodBecomesReady(t *testing.T) {
	check(t, demoPod(func(*core.Pod) {}), time.Minute, "0 Pending ContainerCreating", "0 Running running+")
}

func TestAProbeTakesItsDelay(t *testing.T) {
	check(t, demoPod(func(pod *core.Pod) {
		pod.Spec.Containers[0].ReadinessProbe = &core.Probe{InitialDelaySeconds: 5}
	}), time.Minute, "0 Pending ContainerCreating", "0 Running running", "6 Running running+")
}

func TestAJobCompletes(t *testing.T) {
	check(t, demoPod(func(pod *core.Pod) { pod.Spec.RestartPolicy = core.RestartPolicyNever }), time.Minute,
		"0 Pending ContainerCreating", "0 Running running+", "1 Succeeded Completed(0)")
}

func TestACrashIsRestartedAfterPauses(t *testing.T) {
	check(t, demoPod(failing("crash-loop:3")), 20*time.Second,
		"0 Pending ContainerCreating", "0 Running running+", "1 Running Error(3)", "2 Running running+x1", "3 Running Error(3)x1",
		"4 Running CrashLoopBackOffx1", "13 Running running+x2", "14 Running Error(3)x2", "15 Running CrashLoopBackOffx2")
}

func TestWhatCrashesIsNeverFoundReady(t *testing.T) {
	check(t, demoPod(func(pod *core.Pod) {
		failing("crash-loop")(pod)
		pod.Spec.Containers[0].ReadinessProbe = &core.Probe{}
	}), 4*time.Second,
		"0 Pending ContainerCreating", "0 Running running", "1 Running Error(1)", "2 Running runningx1", "3 Running Error(1)x1")
}

func TestAnImageThatIsNotThere(t *testing.T) {
	check(t, demoPod(failing("image-pull")), 15*time.Second,
		"0 Pending ContainerCreating", "0 Pending ErrImagePull", "1 Pending ImagePullBackOff",
		"10 Pending ErrImagePull", "11 Pending ImagePullBackOff")
}

func TestOutOfMemory(t *testing.T) {
	check(t, demoPod(func(pod *core.Pod) {
		failing("oom")(pod)
		pod.Spec.RestartPolicy = core.RestartPolicyNever
	}), time.Minute, "0 Pending ContainerCreating", "0 Running running+", "1 Failed OOMKilled(137)")
}

func TestOthersThatNeverGetReady(t *testing.T) {
	check(t, demoPod(failing("never-ready")), time.Minute, "0 Pending ContainerCreating", "0 Running running")
	check(t, demoPod(failing("stuck-creating")), time.Minute, "0 Pending ContainerCreating")
	check(t, demoPod(failing("create-container-config-error")), time.Minute,
		"0 Pending ContainerCreating", "0 Pending CreateContainerConfigError")
	check(t, demoPod(failing("slow:7s")), time.Minute,
		"0 Pending ContainerCreating", "0 Running running", "7 Running running+")
	check(t, demoPod(failing("start-error")), 3*time.Second,
		"0 Pending ContainerCreating", "0 Running StartError(128)", "1 Running StartError(128)x1", "2 Running CrashLoopBackOffx1")
}

func TestInitialContainersComeOneAfterTheOther(t *testing.T) {
	always := core.ContainerRestartPolicyAlways
	initial := []core.Container{{Name: "one"}, {Name: "side", RestartPolicy: &always}, {Name: "two"}}
	check(t, demoPod(func(pod *core.Pod) { pod.Spec.InitContainers = initial }), time.Minute,
		"0 Pending PodInitializing PodInitializing PodInitializing PodInitializing",
		"0 Pending running PodInitializing PodInitializing PodInitializing",
		"1 Pending Completed(0)+ running+ running PodInitializing",
		"2 Running Completed(0)+ running+ Completed(0)+ running+")
	check(t, demoPod(func(pod *core.Pod) {
		pod.Spec.InitContainers = initial[:1]
		pod.Spec.RestartPolicy = core.RestartPolicyNever
		failing("exit:9,container=one")(pod)
	}), time.Minute, "0 Pending PodInitializing PodInitializing", "0 Pending running PodInitializing", "1 Failed Error(9) PodInitializing")
}

func TestANamespaceSaysHowItsPodsFail(t *testing.T) {
	namespace := &core.Namespace{ObjectMeta: meta.ObjectMeta{Annotations: map[string]string{
		"simulate.rhumb.dev/fail.web":     "oom",
		"simulate.rhumb.dev/fail.web-api": "exit:2,image=:2",
	}}}
	for name, expected := range map[string]failure{
		"web": outOfMemory, "web-5d8f-abc": outOfMemory, "web-api-1": exits, "webby": works, "other": works,
	} {
		is, err := behaviourOf(demoPod(func(pod *core.Pod) { pod.Name = name }), namespace)
		if err != nil || is.fails != expected {
			t.Errorf("%s: %q, %v", name, is.fails, err)
		}
	}
	is, _ := behaviourOf(demoPod(func(pod *core.Pod) { pod.Name = "web-api" }), namespace)
	old, changed := &core.Container{Image: "demo:1"}, &core.Container{Image: "demo:2"}
	if is.failsIn(old, false, exits) || !is.failsIn(changed, false, exits) {
		t.Error("only the image that is named fails")
	}
	for _, wrong := range []string{"explode", "exit", "exit:300", "slow", "oom,who=me"} {
		if _, err := behaviourOf(demoPod(failing(wrong)), nil); err == nil {
			t.Errorf("%s is no failure", wrong)
		}
	}
}

func TestADeletedPodEndsInItsTime(t *testing.T) {
	pod := demoPod(func(*core.Pod) {})
	look := &life{pod: pod, is: behaviour{}, now: dawn}
	look.advance("10.0.0.1", "10.64.0.1")
	pod.Status = *look.status
	grace := int64(5)
	pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &meta.Time{Time: dawn.Add(5 * time.Second)}, &grace
	for _, step := range []struct {
		stop  time.Duration
		after time.Duration
		gone  bool
		looks string
	}{
		{0, 0, true, "Succeeded Completed(0)"},
		{3 * time.Second, time.Second, false, "Running running+"},
		{3 * time.Second, 3 * time.Second, true, "Succeeded Completed(0)"},
		{time.Hour, 4 * time.Second, false, "Running running+"},
		{time.Hour, 5 * time.Second, true, "Failed Error(137)"},
	} {
		look := &life{pod: pod, is: behaviour{stop: step.stop}, now: dawn.Add(step.after)}
		if gone := look.end(); gone != step.gone || summary(look.status) != step.looks {
			t.Errorf("%+v: %v, %s", step, gone, summary(look.status))
		}
	}
}
