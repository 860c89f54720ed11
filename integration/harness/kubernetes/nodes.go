package main

import (
	"context"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	beat          = 10 * time.Second
	leaseSeconds  = 40
	nodeNamespace = "kube-node-lease"
)

// simulatedNode is a node that nothing is behind.
type simulatedNode struct {
	name, address, version string
	// Whether pods must say that they tolerate it.
	tainted bool
}

func simulatedNodes(count int, version string, tainted bool) []simulatedNode {
	var nodes []simulatedNode
	for number := 1; number <= count; number++ {
		nodes = append(nodes, simulatedNode{
			name:    fmt.Sprintf("simulated-%d", number),
			address: fmt.Sprintf("10.64.%d.%d", number/250, number%250+1),
			version: version, tainted: tainted,
		})
	}
	return nodes
}

// keep registers the node, and keeps it alive for as long as nobody says that it is lost.
func (node simulatedNode) keep(ctx context.Context, client kubernetes.Interface) {
	registered := false
	for ctx.Err() == nil {
		pause := beat
		if !registered {
			if err := node.register(ctx, client); err != nil {
				fmt.Printf("%s: %v\n", node.name, err)
				pause = time.Second
			} else {
				registered = true
			}
		}
		if registered {
			if err := node.renew(ctx, client); err != nil {
				fmt.Printf("%s: %v\n", node.name, err)
				pause = time.Second
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (node simulatedNode) register(ctx context.Context, client kubernetes.Interface) error {
	object := &core.Node{ObjectMeta: meta.ObjectMeta{
		Name: node.name,
		Labels: map[string]string{
			core.LabelHostname: node.name, core.LabelOSStable: "linux", core.LabelArchStable: "amd64",
			simulatedLabel: "true",
		},
	}}
	if node.tainted {
		object.Spec.Taints = []core.Taint{{Key: simulatedLabel, Value: "true", Effect: core.TaintEffectNoSchedule}}
	}
	object, err := client.CoreV1().Nodes().Create(ctx, object, meta.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		return err
	}
	object.Status = node.status()
	_, err = client.CoreV1().Nodes().UpdateStatus(ctx, object, meta.UpdateOptions{})
	return err
}

func (node simulatedNode) status() core.NodeStatus {
	room := core.ResourceList{
		core.ResourceCPU:              resource.MustParse("1000"),
		core.ResourceMemory:           resource.MustParse("4Ti"),
		core.ResourceEphemeralStorage: resource.MustParse("100Ti"),
		core.ResourcePods:             resource.MustParse("10000"),
	}
	return core.NodeStatus{
		Capacity:    room,
		Allocatable: room,
		Addresses: []core.NodeAddress{
			{Type: core.NodeInternalIP, Address: node.address}, {Type: core.NodeHostName, Address: node.name},
		},
		Conditions:      node.conditions(),
		DaemonEndpoints: core.NodeDaemonEndpoints{KubeletEndpoint: core.DaemonEndpoint{Port: 10250}},
		NodeInfo: core.NodeSystemInfo{
			KubeletVersion: node.version, ContainerRuntimeVersion: "simulated://1.0", OperatingSystem: "linux",
			Architecture: "amd64", OSImage: "simulated", KernelVersion: "simulated", MachineID: node.name, SystemUUID: node.name,
			BootID: node.name,
		},
	}
}

func (node simulatedNode) conditions() []core.NodeCondition {
	now := meta.Now()
	condition := func(kind core.NodeConditionType, value core.ConditionStatus, reason, message string) core.NodeCondition {
		return core.NodeCondition{
			Type: kind, Status: value, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now,
		}
	}
	return []core.NodeCondition{
		condition(core.NodeMemoryPressure, "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
		condition(core.NodeDiskPressure, "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
		condition(core.NodePIDPressure, "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
		condition(core.NodeReady, "True", "KubeletReady", "kubelet is posting ready status"),
	}
}

// renew shows that the node lives: by its lease, and by its status when somebody thought it dead.
func (node simulatedNode) renew(ctx context.Context, client kubernetes.Interface) error {
	object, err := client.CoreV1().Nodes().Get(ctx, node.name, meta.GetOptions{})
	// A kubelet whose node was deleted does not bring it back either.
	if errors.IsNotFound(err) {
		return nil
	}
	if err != nil || lost(object) {
		return err
	}
	if err := node.renewLease(ctx, client, object); err != nil {
		return err
	}
	for _, condition := range object.Status.Conditions {
		if condition.Type == core.NodeReady && condition.Status == core.ConditionTrue {
			return nil
		}
	}
	object.Status.Conditions = node.conditions()
	_, err = client.CoreV1().Nodes().UpdateStatus(ctx, object, meta.UpdateOptions{})
	return err
}

func lost(node *core.Node) bool { return node.Annotations[lostAnnotation] == "true" }

func (node simulatedNode) renewLease(ctx context.Context, client kubernetes.Interface, owner *core.Node) error {
	leases := client.CoordinationV1().Leases(nodeNamespace)
	seconds, now := int32(leaseSeconds), meta.NowMicro()
	lease, err := leases.Get(ctx, node.name, meta.GetOptions{})
	if errors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordination.Lease{
			ObjectMeta: meta.ObjectMeta{Name: node.name, OwnerReferences: []meta.OwnerReference{
				{APIVersion: "v1", Kind: "Node", Name: owner.Name, UID: owner.UID},
			}},
			Spec: coordination.LeaseSpec{HolderIdentity: &owner.Name, LeaseDurationSeconds: &seconds, RenewTime: &now},
		}, meta.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.RenewTime = &now
	_, err = leases.Update(ctx, lease, meta.UpdateOptions{})
	return err
}
