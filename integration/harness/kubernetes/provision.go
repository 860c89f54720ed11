package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	core "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

const (
	provisioner          = "rhumb.dev/host-path"
	provisionedBy        = "pv.kubernetes.io/provisioned-by"
	selectedNode         = "volume.kubernetes.io/selected-node"
	claimKey, volumeKey  = "claim ", "volume "
	provisionerComponent = "rhumb-host-path"
)

// volumes makes folders of the node into persistent volumes, as claims ask for them.
type volumes struct {
	client  kubernetes.Interface
	folder  string
	claims  cache.Indexer
	volumes cache.Indexer
	classes cache.Indexer
	events  record.EventRecorder
}

// provision serves the claims of storage classes whose provisioner is rhumb.dev/host-path.
//
//	provision --kubeconfig FILE --volumes FOLDER
func provision(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("provision", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	folder := flags.String("volumes", "", "where the data of the volumes is")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	client, err := connect(*kubeconfig, "provision")
	if err != nil {
		return err
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcore.EventSinkImpl{Interface: client.CoreV1().Events("")})
	factory := informers.NewSharedInformerFactory(client, 0)
	claims := factory.Core().V1().PersistentVolumeClaims().Informer()
	held := factory.Core().V1().PersistentVolumes().Informer()
	classes := factory.Storage().V1().StorageClasses().Informer()
	queue := newKeys()
	if err := follow(claims, queue, claimKey); err != nil {
		return err
	}
	if err := follow(held, queue, volumeKey); err != nil {
		return err
	}
	// A claim may come before its class.
	_, err = classes.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(any) {
		for _, key := range claims.GetStore().ListKeys() {
			queue.Add(claimKey + key)
		}
	}})
	if err != nil {
		return err
	}
	made := &volumes{
		client: client, folder: *folder,
		claims: claims.GetIndexer(), volumes: held.GetIndexer(), classes: classes.GetIndexer(),
		events: broadcaster.NewRecorder(scheme.Scheme, core.EventSource{Component: provisionerComponent}),
	}
	if err := startInformers(ctx, factory); err != nil {
		return err
	}
	work(ctx, queue, 8, made.look)
	return nil
}

// follow puts the key of each object that comes or changes into the queue.
func follow(informer cache.SharedIndexInformer, queue keys, kind string) error {
	add := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			queue.Add(kind + key)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(_, object any) { add(object) },
		DeleteFunc: add,
	})
	return err
}

func (made *volumes) look(ctx context.Context, key string) error {
	if name, found := strings.CutPrefix(key, volumeKey); found {
		return made.lookAtVolume(ctx, name)
	}
	return made.lookAtClaim(ctx, strings.TrimPrefix(key, claimKey))
}

func (made *volumes) lookAtClaim(ctx context.Context, key string) error {
	object, exists, err := made.claims.GetByKey(key)
	if err != nil || !exists {
		return err
	}
	claim, ok := object.(*core.PersistentVolumeClaim)
	if !ok || claim.DeletionTimestamp != nil {
		return nil
	}
	if claim.Spec.VolumeName != "" {
		return made.grow(ctx, claim)
	}
	class := made.classOf(claim)
	if class == nil || waitsForConsumer(class, claim) {
		return nil
	}
	if why := refusal(claim); why != "" {
		made.events.Eventf(claim, core.EventTypeWarning, "ProvisioningFailed",
			"failed to provision volume with StorageClass %q: %s", class.Name, why)
		return nil
	}
	return made.make(ctx, claim, class)
}

// classOf gives the claim's class when it is one of ours.
func (made *volumes) classOf(claim *core.PersistentVolumeClaim) *storage.StorageClass {
	if claim.Spec.StorageClassName == nil {
		return nil
	}
	object, exists, err := made.classes.GetByKey(*claim.Spec.StorageClassName)
	if err != nil || !exists {
		return nil
	}
	class, ok := object.(*storage.StorageClass)
	if !ok || class.Provisioner != provisioner {
		return nil
	}
	return class
}

func waitsForConsumer(class *storage.StorageClass, claim *core.PersistentVolumeClaim) bool {
	return class.VolumeBindingMode != nil && *class.VolumeBindingMode == storage.VolumeBindingWaitForFirstConsumer &&
		claim.Annotations[selectedNode] == ""
}

func refusal(claim *core.PersistentVolumeClaim) string {
	switch {
	case claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == core.PersistentVolumeBlock:
		return "a folder is no block device"
	case claim.Spec.Selector != nil:
		return "claim Selector is not supported"
	case claim.Spec.DataSource != nil || claim.Spec.DataSourceRef != nil:
		return "a data source is not supported"
	}
	return ""
}

func (made *volumes) make(ctx context.Context, claim *core.PersistentVolumeClaim, class *storage.StorageClass) error {
	name := "pvc-" + string(claim.UID)
	path := filepath.Join(made.folder, strings.Join([]string{claim.Namespace, claim.Name, string(claim.UID)}, "_"))
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	// Containers run as any user; the caller's umask would keep them out.
	if err := os.Chmod(path, 0o777); err != nil {
		return err
	}
	policy := core.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		policy = *class.ReclaimPolicy
	}
	mode := core.PersistentVolumeFilesystem
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: provisioner}},
		Spec: core.PersistentVolumeSpec{
			Capacity:                      core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: policy,
			StorageClassName:              class.Name,
			VolumeMode:                    &mode,
			MountOptions:                  class.MountOptions,
			ClaimRef: &core.ObjectReference{
				Kind: "PersistentVolumeClaim", APIVersion: "v1",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: core.PersistentVolumeSource{HostPath: &core.HostPathVolumeSource{Path: path}},
		},
	}
	_, err := made.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		return err
	}
	made.events.Eventf(claim, core.EventTypeNormal, "ProvisioningSucceeded", "Successfully provisioned volume %s", name)
	return nil
}

// grow gives a claim that asks for more what it asks for: a folder is as large as it needs to be.
func (made *volumes) grow(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	wanted, has := claim.Spec.Resources.Requests[core.ResourceStorage], claim.Status.Capacity[core.ResourceStorage]
	if claim.Status.Phase != core.ClaimBound || wanted.Cmp(has) <= 0 {
		return nil
	}
	object, exists, err := made.volumes.GetByKey(claim.Spec.VolumeName)
	if err != nil || !exists {
		return err
	}
	volume, ok := object.(*core.PersistentVolume)
	if !ok || volume.Annotations[provisionedBy] != provisioner {
		return nil
	}
	if size := volume.Spec.Capacity[core.ResourceStorage]; wanted.Cmp(size) > 0 {
		volume = volume.DeepCopy()
		volume.Spec.Capacity[core.ResourceStorage] = wanted
		if _, err := made.client.CoreV1().PersistentVolumes().Update(ctx, volume, meta.UpdateOptions{}); err != nil {
			return err
		}
	}
	claim = claim.DeepCopy()
	if claim.Status.Capacity == nil {
		claim.Status.Capacity = core.ResourceList{}
	}
	claim.Status.Capacity[core.ResourceStorage] = wanted
	claim.Status.Conditions = nil
	_, err = made.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, claim, meta.UpdateOptions{})
	return err
}

// lookAtVolume removes a volume, data and all, whose claim is gone and whose policy says so.
func (made *volumes) lookAtVolume(ctx context.Context, name string) error {
	object, exists, err := made.volumes.GetByKey(name)
	if err != nil || !exists {
		return err
	}
	volume, ok := object.(*core.PersistentVolume)
	if !ok || volume.Annotations[provisionedBy] != provisioner || volume.Spec.HostPath == nil ||
		volume.Status.Phase != core.VolumeReleased || volume.DeletionTimestamp != nil ||
		volume.Spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete {
		return nil
	}
	path := filepath.Clean(volume.Spec.HostPath.Path)
	if filepath.Dir(path) != filepath.Clean(made.folder) {
		return fmt.Errorf("%s is not in %s", path, made.folder)
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	err = made.client.CoreV1().PersistentVolumes().Delete(ctx, name, meta.DeleteOptions{})
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}
