package main

import (
	"fmt"

	core "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// references finds what pods refer to and is not there, as a kubelet would find when it starts them.
type references struct {
	configMaps, secrets cache.Store
}

// missingFor says for each container that cannot be made why, in a kubelet's words.
func (known *references) missingFor(pod *core.Pod) map[string]string {
	missing := map[string]string{}
	for _, group := range [][]core.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for index := range group {
			if why := known.missingIn(pod.Namespace, &group[index]); why != "" {
				missing[group[index].Name] = why
			}
		}
	}
	return missing
}

func (known *references) missingIn(namespace string, container *core.Container) string {
	for _, source := range container.EnvFrom {
		if from := source.ConfigMapRef; from != nil {
			if why := known.configMap(namespace, from.Name, "", from.Optional); why != "" {
				return why
			}
		}
		if from := source.SecretRef; from != nil {
			if why := known.secret(namespace, from.Name, "", from.Optional); why != "" {
				return why
			}
		}
	}
	for _, variable := range container.Env {
		if variable.ValueFrom == nil {
			continue
		}
		if from := variable.ValueFrom.ConfigMapKeyRef; from != nil {
			if why := known.configMap(namespace, from.Name, from.Key, from.Optional); why != "" {
				return why
			}
		}
		if from := variable.ValueFrom.SecretKeyRef; from != nil {
			if why := known.secret(namespace, from.Name, from.Key, from.Optional); why != "" {
				return why
			}
		}
	}
	return ""
}

// missingVolume says which volume cannot be mounted and why; nothing when all can.
func (known *references) missingVolume(pod *core.Pod) string {
	for _, volume := range pod.Spec.Volumes {
		why := ""
		if from := volume.ConfigMap; from != nil {
			why = known.configMap(pod.Namespace, from.Name, "", from.Optional)
		}
		if from := volume.Secret; from != nil {
			why = known.secret(pod.Namespace, from.SecretName, "", from.Optional)
		}
		if why != "" {
			return fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", volume.Name, why)
		}
	}
	return ""
}

func (known *references) configMap(namespace, name, key string, optional *bool) string {
	object, exists, err := known.configMaps.GetByKey(namespace + "/" + name)
	if err != nil || (optional != nil && *optional) {
		return ""
	}
	if !exists {
		return fmt.Sprintf("configmap %q not found", name)
	}
	held, ok := object.(*core.ConfigMap)
	if !ok || key == "" {
		return ""
	}
	_, text := held.Data[key]
	_, binary := held.BinaryData[key]
	if text || binary {
		return ""
	}
	return fmt.Sprintf("couldn't find key %s in ConfigMap %s/%s", key, namespace, name)
}

func (known *references) secret(namespace, name, key string, optional *bool) string {
	object, exists, err := known.secrets.GetByKey(namespace + "/" + name)
	if err != nil || (optional != nil && *optional) {
		return ""
	}
	if !exists {
		return fmt.Sprintf("secret %q not found", name)
	}
	held, ok := object.(*core.Secret)
	if !ok || key == "" {
		return ""
	}
	if _, found := held.Data[key]; found {
		return ""
	}
	return fmt.Sprintf("couldn't find key %s in Secret %s/%s", key, namespace, name)
}
