package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const (
	// Starting pods is mostly waiting for the API server.
	podWorkers = 32
)

// simulator drives the pods that were bound to simulated nodes as a kubelet would, over the public API alone.
type simulator struct {
	client     kubernetes.Interface
	nodes      map[string]simulatedNode
	pods       cache.Indexer
	namespaces cache.Store
	nodeStore  cache.Store
	references references
	queue      keys
	addresses  addresses
}

// simulate runs nodes that nothing is behind, and their pods.
//
//	simulate --kubeconfig FILE --nodes N [--version V] [--taint=false]
func simulate(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	count := flags.Int("nodes", 1, "how many nodes")
	version := flags.String("version", "", "the version that the nodes say they run")
	tainted := flags.Bool("taint", true, "whether pods must tolerate the nodes")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	client, err := connect(*kubeconfig, "simulate")
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(withoutManagedFields))
	cluster := factory.Core().V1()
	runs := &simulator{
		client: client, nodes: map[string]simulatedNode{}, queue: newKeys(),
		pods: cluster.Pods().Informer().GetIndexer(), namespaces: cluster.Namespaces().Informer().GetStore(),
		nodeStore: cluster.Nodes().Informer().GetStore(),
		references: references{
			configMaps: cluster.ConfigMaps().Informer().GetStore(), secrets: cluster.Secrets().Informer().GetStore(),
		},
	}
	for _, node := range simulatedNodes(*count, *version, *tainted) {
		runs.nodes[node.name] = node
		go node.keep(ctx, client)
	}
	if err := runs.watch(cluster.Pods().Informer(), cluster.Namespaces().Informer()); err != nil {
		return err
	}
	if err := startInformers(ctx, factory); err != nil {
		return err
	}
	work(ctx, runs.queue, podWorkers, runs.look)
	return nil
}

// withoutManagedFields drops what is of no use here, and is most of an object.
func withoutManagedFields(object any) (any, error) {
	if described, err := apimeta.Accessor(object); err == nil {
		described.SetManagedFields(nil)
	}
	return object, nil
}

func (runs *simulator) watch(pods, namespaces cache.SharedIndexInformer) error {
	add := func(object any) {
		pod, ok := object.(*core.Pod)
		if !ok {
			return
		}
		if _, ours := runs.nodes[pod.Spec.NodeName]; !ours {
			return
		}
		if !pod.Spec.HostNetwork {
			runs.addresses.taken(pod.Status.PodIP)
		}
		runs.queue.Add(pod.Namespace + "/" + pod.Name)
	}
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: add, UpdateFunc: func(_, object any) { add(object) },
	})
	if err != nil {
		return err
	}
	// What a namespace says of its pods may change while they run.
	_, err = namespaces.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: func(before, after any) {
		was, wasOne := before.(*core.Namespace)
		is, isOne := after.(*core.Namespace)
		if !wasOne || !isOne || reflect.DeepEqual(was.Annotations, is.Annotations) {
			return
		}
		objects, err := runs.pods.ByIndex(cache.NamespaceIndex, is.Name)
		if err != nil {
			return
		}
		for _, object := range objects {
			add(object)
		}
	}})
	return err
}

// look takes a pod one step further.
func (runs *simulator) look(ctx context.Context, key string) error {
	object, exists, err := runs.pods.GetByKey(key)
	if err != nil || !exists {
		return err
	}
	pod, ok := object.(*core.Pod)
	node, ours := runs.nodes[pod.Spec.NodeName]
	if !ok || !ours || runs.isLost(node.name) {
		return nil
	}
	is, err := behaviourOf(pod, runs.namespace(pod.Namespace))
	if err != nil {
		return runs.write(ctx, pod, happening{core.EventTypeWarning, "InvalidBehaviour", err.Error(), ""})
	}
	look := &life{pod: pod, is: is, now: time.Now()}
	if pod.DeletionTimestamp != nil {
		gone := look.end()
		if err := runs.save(ctx, look); err != nil || !gone {
			return err
		}
		return runs.remove(ctx, pod)
	}
	look.missingFor, look.missingVolume = runs.references.missingFor(pod), runs.references.missingVolume(pod)
	look.advance(runs.addresses.next(pod.Status.PodIP), node.address)
	if look.wakeAfter > 0 && (len(look.missingFor) > 0 || look.missingVolume != "") {
		look.wakeAfter = min(look.wakeAfter, 2*time.Second)
	}
	return runs.save(ctx, look)
}

func (runs *simulator) isLost(name string) bool {
	object, exists, err := runs.nodeStore.GetByKey(name)
	node, ok := object.(*core.Node)
	return err == nil && exists && ok && lost(node)
}

func (runs *simulator) namespace(name string) *core.Namespace {
	object, exists, err := runs.namespaces.GetByKey(name)
	namespace, ok := object.(*core.Namespace)
	if err != nil || !exists || !ok {
		return nil
	}
	return namespace
}

// save writes what a look found: the status when it is another one, then the events.
func (runs *simulator) save(ctx context.Context, look *life) error {
	pod := look.pod
	if !reflect.DeepEqual(*look.status, pod.Status) {
		changed := pod.DeepCopy()
		changed.Status = *look.status
		_, err := runs.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, meta.UpdateOptions{})
		if errors.IsNotFound(err) {
			return nil
		}
		// Somebody was quicker, and what they wrote comes to us soon.
		if errors.IsConflict(err) {
			runs.queue.AddAfter(pod.Namespace+"/"+pod.Name, 200*time.Millisecond)
			return nil
		}
		if err != nil {
			return err
		}
	}
	if look.wakeAfter > 0 {
		runs.queue.AddAfter(pod.Namespace+"/"+pod.Name, look.wakeAfter)
	}
	for _, happened := range look.happened {
		if look.is.quiet && happened.kind == core.EventTypeNormal {
			continue
		}
		if err := runs.write(ctx, pod, happened); err != nil {
			fmt.Printf("%s/%s: event %s: %v\n", pod.Namespace, pod.Name, happened.reason, err)
		}
	}
	return nil
}

func (runs *simulator) remove(ctx context.Context, pod *core.Pod) error {
	err := runs.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, meta.DeleteOptions{
		GracePeriodSeconds: new(int64), Preconditions: meta.NewUIDPreconditions(string(pod.UID)),
	})
	if errors.IsNotFound(err) || errors.IsConflict(err) {
		return nil
	}
	return err
}

// write writes an event, or counts it once more.
func (runs *simulator) write(ctx context.Context, pod *core.Pod, happened happening) error {
	events := runs.client.CoreV1().Events(pod.Namespace)
	now := meta.Now()
	name := pod.Name
	// The name of an object has its limits.
	if len(name) > 200 {
		name = name[:200]
	}
	name += "." + digest(string(pod.UID), happened.kind, happened.reason, happened.field, happened.message)[:16]
	event := &core.Event{
		ObjectMeta: meta.ObjectMeta{Name: name, Namespace: pod.Namespace},
		InvolvedObject: core.ObjectReference{
			Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, FieldPath: happened.field,
			ResourceVersion: pod.ResourceVersion,
		},
		Type: happened.kind, Reason: happened.reason, Message: happened.message,
		Source:         core.EventSource{Component: "kubelet", Host: pod.Spec.NodeName},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
		ReportingController: "kubelet", ReportingInstance: pod.Spec.NodeName,
	}
	_, err := events.Create(ctx, event, meta.CreateOptions{})
	if !errors.IsAlreadyExists(err) {
		return ignoreGone(err)
	}
	event, err = events.Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return ignoreGone(err)
	}
	event.Count++
	event.LastTimestamp = now
	_, err = events.Update(ctx, event, meta.UpdateOptions{})
	return ignoreGone(err)
}

// ignoreGone drops the errors of a namespace that is being deleted: nobody will read its events.
func ignoreGone(err error) error {
	if errors.IsNotFound(err) || errors.HasStatusCause(err, core.NamespaceTerminatingCause) {
		return nil
	}
	return err
}

// addresses gives each pod an address of its own, out of a range that nothing in the cluster is reached by.
type addresses struct {
	lock sync.Mutex
	last netip.Addr
}

var firstAddress = netip.MustParseAddr("10.0.0.0")

// taken notes that a pod of an earlier run has an address.
func (given *addresses) taken(text string) {
	address, err := netip.ParseAddr(text)
	if err != nil || !strings.HasPrefix(text, "10.") {
		return
	}
	given.lock.Lock()
	defer given.lock.Unlock()
	if !given.last.IsValid() || given.last.Less(address) {
		given.last = address
	}
}

// next gives the address that a pod has, or one that no pod had.
func (given *addresses) next(held string) string {
	if held != "" {
		return held
	}
	given.lock.Lock()
	defer given.lock.Unlock()
	if !given.last.IsValid() {
		given.last = firstAddress
	}
	given.last = given.last.Next()
	return given.last.String()
}
