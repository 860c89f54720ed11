package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

// connect makes a client that asks as fast as it can: what it serves is a test that waits.
func connect(kubeconfig, agent string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.UserAgent = "rhumb-kube/" + agent
	config.ContentConfig = rest.ContentConfig{
		ContentType:        "application/vnd.kubernetes.protobuf",
		AcceptContentTypes: "application/vnd.kubernetes.protobuf,application/json",
	}
	return kubernetes.NewForConfig(config)
}

// startInformers starts what was asked of the factory and waits until the caches are filled.
func startInformers(ctx context.Context, factory informers.SharedInformerFactory) error {
	factory.StartWithContext(ctx)
	return factory.WaitForCacheSyncWithContext(ctx).AsError()
}

// keys are the names of objects that somebody has to look at.
type keys = workqueue.TypedRateLimitingInterface[string]

func newKeys() keys {
	pauses := workqueue.NewTypedItemExponentialFailureRateLimiter[string](50*time.Millisecond, 5*time.Second)
	return workqueue.NewTypedRateLimitingQueue(pauses)
}

// work looks at each key as it comes, several at a time, until the context ends. A key whose look fails comes again.
func work(ctx context.Context, queue keys, workers int, look func(context.Context, string) error) {
	go func() {
		<-ctx.Done()
		queue.ShutDown()
	}()
	done := make(chan struct{})
	for range workers {
		go func() {
			for lookAtNext(ctx, queue, look) {
			}
			done <- struct{}{}
		}()
	}
	for range workers {
		<-done
	}
}

func lookAtNext(ctx context.Context, queue keys, look func(context.Context, string) error) bool {
	key, ended := queue.Get()
	if ended {
		return false
	}
	defer queue.Done(key)
	if err := look(ctx, key); err != nil {
		if ctx.Err() == nil {
			fmt.Printf("%s: %v\n", key, err)
		}
		queue.AddRateLimited(key)
		return true
	}
	queue.Forget(key)
	return true
}
