//! Whatever is written, the account adds up.

use proptest::prelude::*;

use super::*;

/// Values that look like parts of manifests: known keys over values of all types.
fn manifestish() -> impl Strategy<Value = Value> {
    const KEYS: [&str; 48] = [
        "metadata",
        "spec",
        "template",
        "containers",
        "initContainers",
        "name",
        "image",
        "env",
        "envFrom",
        "value",
        "valueFrom",
        "configMapKeyRef",
        "secretKeyRef",
        "key",
        "ports",
        "containerPort",
        "protocol",
        "hostPort",
        "volumes",
        "volumeMounts",
        "mountPath",
        "subPath",
        "configMap",
        "secret",
        "secretName",
        "items",
        "path",
        "emptyDir",
        "persistentVolumeClaim",
        "claimName",
        "labels",
        "annotations",
        "selector",
        "matchLabels",
        "app",
        "replicas",
        "strategy",
        "type",
        "rollingUpdate",
        "readinessProbe",
        "httpGet",
        "port",
        "targetPort",
        "nodePort",
        "data",
        "rules",
        "http",
        "volumeClaimTemplates",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_i64..70_000).prop_map(Value::from),
        prop::sample::select(vec![
            "web",
            "a",
            "",
            "/data",
            "80",
            "http",
            "100m",
            "1Gi",
            "$(A)",
            "ClusterIP",
            "NodePort",
            "é{{"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(7, 96, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(KEYS.to_vec()), inner), 0..8).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    const KINDS: [(&str, &str); 16] = [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
        ("v1", "Pod"),
        ("v1", "Service"),
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "PersistentVolumeClaim"),
        ("networking.k8s.io/v1", "Ingress"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("policy/v1", "PodDisruptionBudget"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("example.com/v1", "Thing"),
    ];
    let pod = (manifestish(), manifestish())
        .prop_map(|(labels, spec)| json!({ "metadata": { "labels": labels }, "spec": spec }));
    (prop::sample::select(KINDS.to_vec()), "[a-c]", manifestish(), manifestish(), pod).prop_map(
        |((api, kind), name, metadata, spec, template)| {
            let mut metadata = metadata.as_object().cloned().unwrap_or_default();
            metadata.insert("name".to_owned(), name.into());
            let mut spec = spec;
            if let Some(spec) = spec.as_object_mut() {
                spec.entry("template").or_insert(template);
            }
            json!({ "apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, "data": spec })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_written_adds_up(documents in prop::collection::vec(document(), 1..6)) {
        let mut seen = std::collections::BTreeSet::<ObjectId>::new();
        let gathered = backend().gather(documents);
        let objects: Vec<Object> = gathered.objects.into_iter().filter(|object| seen.insert(object.id.clone())).collect();
        let lifted = backend().lift(&objects);
        account_adds_up(&objects, &lifted);
    }
}
