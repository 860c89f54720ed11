//! Manifests of all sorts, lifted: nothing is dropped in silence, and what is kept is there when it is lowered again.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod lifting_support;

use lifting_support::{account_adds_up, backend, lift_text, lower, semantic_losses};
use proptest::prelude::*;
use rhumb_backend::{Backend as _, Fate, Import as _, Lifted, Object, ObjectId};
use rhumb_spec::App;
use rhumb_spec::model::{Discovery, EnvSource, EnvValue, ExposeAs, Mode, MountSource, Traffic};
use serde_json::{Value, json};

/// Lifts, checks that the account adds up and that every value that was not told of comes back.
fn carry(text: &str) -> (Lifted, Vec<Object>) {
    let (objects, lifted) = lift_text(text);
    account_adds_up(&objects, &lifted);
    let lowered = lower(&lifted.app);
    let missing = semantic_losses(&objects, &lowered, &lifted);
    assert!(missing.is_empty(), "{missing:#?}\n{:#?}", lifted.app);
    (lifted, lowered)
}

fn lost(lifted: &Lifted, id: &str) -> Vec<String> {
    let account = lifted.accounts.iter().find(|account| account.id.as_str() == id).unwrap();
    account.rest.iter().filter(|rest| rest.fate == Fate::Lost).map(|rest| rest.path.clone()).collect()
}

fn body<'a>(lowered: &'a [Object], id: &str) -> &'a Value {
    &lowered.iter().find(|object| object.id.as_str() == id).unwrap_or_else(|| panic!("no {id}")).body
}

const WEB: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: { name: web-server, namespace: prod, labels: { app: web, chart: web-1 } }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  minReadySeconds: 5
  revisionHistoryLimit: 3
  template:
    metadata:
      labels: { app: web }
      annotations: { prometheus.io/scrape: "true" }
    spec:
      serviceAccountName: web
      priorityClassName: high
      securityContext: { runAsUser: 1000, fsGroup: 2000 }
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: web } } }
      containers:
        - name: web
          image: "nginx:1.27"
          command: [nginx, -g, "daemon off;"]
          ports: [{ containerPort: 8080, hostPort: 8888 }, { containerPort: 9100, name: metrics }]
          env:
            - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
            - { name: URL, value: "http://$(POD_IP):8080" }
            - { name: PRICE, value: "5$ or $$(A)" }
            - { name: MODE, valueFrom: { configMapKeyRef: { name: web, key: mode } } }
            - { name: TOKEN, valueFrom: { secretKeyRef: { name: web, key: token } } }
            - { name: MAYBE, valueFrom: { secretKeyRef: { name: other, key: token, optional: true } } }
          readinessProbe: { httpGet: { path: /ready, port: 8080 }, periodSeconds: 5 }
          livenessProbe: { tcpSocket: { port: metrics }, terminationGracePeriodSeconds: 4 }
          resources: { requests: { cpu: 100m, memory: 64Mi, ephemeral-storage: 1Gi }, limits: { memory: 128Mi } }
          volumeMounts:
            - { name: conf, mountPath: /etc/web }
            - { name: conf, mountPath: /etc/one.conf, subPath: one.conf }
            - { name: token, mountPath: /var/run/token, readOnly: true }
            - { name: cache, mountPath: /cache }
      volumes:
        - { name: conf, configMap: { name: web } }
        - { name: cache, emptyDir: { sizeLimit: 1Gi } }
        - { name: token, projected: { sources: [{ serviceAccountToken: { path: token, audience: vault } }] } }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: prod, annotations: { example.com/balancer: internal } }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080, appProtocol: h2c }], sessionAffinity: ClientIP }
---
apiVersion: v1
kind: Service
metadata: { name: web-metrics, namespace: prod }
spec: { selector: { app: web }, ports: [{ port: 9100 }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: web, namespace: prod }
data: { mode: fast, one.conf: "a: {{b}}" }
---
apiVersion: v1
kind: Secret
metadata: { name: web, namespace: prod }
stringData: { token: canary }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: prod, annotations: { example.com/limit: "5" } }
spec:
  ingressClassName: nginx
  rules:
    - { host: shop.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }
    - { host: www.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { name: http } } } }] } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web-hpa, namespace: prod }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web-server }
  maxReplicas: 10
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
  behavior: { scaleDown: { stabilizationWindowSeconds: 60 } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: prod }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: web } } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: web, namespace: prod }
"#;

#[test]
fn containers_that_are_kept_have_the_user_of_their_pod() {
    let (lifted, lowered) = carry(
        r"
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  securityContext: { runAsUser: 1000, runAsGroup: 2000 }
  initContainers: [{ name: proxy, image: proxy:1, restartPolicy: Always }]
  containers: [{ name: web, image: web:1 }]
",
    );
    assert_eq!(lifted.app.workloads["web"].containers["web"].security.user.as_deref(), Some("1000"));
    let pod = &body(&lowered, "deployment/web")["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"], json!({ "runAsUser": 1000, "runAsGroup": 2000 }));
}

#[test]
fn replicas_that_are_called_otherwise_are_told() {
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: { name: zk }\nspec: { serviceName: zk-hs, selector: { matchLabels: { app: zk } }, template: { metadata: { labels: { app: zk } }, spec: { containers: [{ name: zk, image: zk:1, ports: [{ containerPort: 2181 }] }] } } }\n";
    let service = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{ name: {name} }}\nspec: {{ selector: {{ app: zk }}, ports: [{{ port: 2181 }}] }}\n"
        )
    };
    let told = |service: String| {
        let (lifted, _) = carry(&(set.to_owned() + &service));
        lifted
            .notes
            .iter()
            .any(|note| note.to_string().contains("called zk-cs-0 and so on here, and no longer zk-0"))
    };
    assert!(told(service("zk-cs")) && !told(service("zk")) && !told(String::new()));
}

#[test]
fn a_claim_has_its_class_as_older_manifests_say_it() {
    let (lifted, lowered) = carry(
        r"
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ name: db, image: db:1, volumeMounts: [{ name: data, mountPath: /data }] }] }
  volumeClaimTemplates:
    - metadata: { name: data, annotations: { volume.beta.kubernetes.io/storage-class: fast } }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
",
    );
    assert_eq!(lifted.app.volumes["data"].class.as_deref(), Some("fast"));
    assert_eq!(
        body(&lowered, "statefulset/db")["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"],
        "fast"
    );
}

#[test]
fn ports_of_nodes_are_exposed_where_they_mean_no_more() {
    let (lifted, lowered) = carry(
        r"
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: edge }
spec:
  selector: { matchLabels: { app: edge } }
  template:
    metadata: { labels: { app: edge } }
    spec:
      containers:
        - name: edge
          image: edge:1
          ports:
            - { name: web, containerPort: 8000, hostPort: 80 }
            - { name: dns, containerPort: 53, hostPort: 53, protocol: UDP }
            - { name: admin, containerPort: 9000, hostPort: 9000, hostIP: 127.0.0.1 }
            - { name: far, containerPort: 9001, hostPort: 30001 }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: proxy }
spec:
  selector: { matchLabels: { app: proxy } }
  template:
    metadata: { labels: { app: proxy } }
    spec:
      containers:
        - name: proxy
          image: proxy:1
          ports: [{ name: web, containerPort: 8000, hostPort: 8080 }, { name: stats, containerPort: 8001, hostPort: 8081 }]
---
apiVersion: v1
kind: Service
metadata: { name: proxy }
spec: { selector: { app: proxy }, ports: [{ name: web, port: 80, targetPort: web }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      hostNetwork: true
      containers: [{ name: agent, image: agent:1, ports: [{ containerPort: 9100, hostPort: 9100 }] }]
",
    );
    let shown = |workload: &str, port: &str| {
        let expose = lifted.app.workloads[workload].expose.get(port)?;
        Some((expose.port, expose.kind, expose.traffic, expose.internal_port))
    };
    assert_eq!(shown("edge", "web"), Some((80, ExposeAs::Node, Traffic::Local, Some(8000))));
    assert_eq!(shown("edge", "dns"), Some((53, ExposeAs::Node, Traffic::Local, None)));
    assert_eq!((shown("edge", "admin"), shown("edge", "far")), (None, None));
    assert_eq!(shown("proxy", "web"), Some((8080, ExposeAs::Node, Traffic::Local, Some(80))));
    assert_eq!(shown("proxy", "stats"), None, "the service would show it, too");
    assert_eq!(lifted.app.workloads["agent"].expose.len(), 0);
    let ports = |id: &str| body(&lowered, id)["spec"]["template"]["spec"]["containers"][0]["ports"].clone();
    let (edge, proxy) = (ports("daemonset/edge"), ports("deployment/proxy"));
    assert_eq!(edge[0], json!({ "name": "web", "containerPort": 8000, "hostPort": 80 }));
    assert_eq!((&edge[2]["hostIP"], &edge[3]["hostPort"]), (&json!("127.0.0.1"), &json!(30001)));
    assert_eq!((&proxy[0]["hostPort"], &proxy[1]["hostPort"]), (&json!(8080), &json!(8081)));
    let strategy =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } });
    assert_eq!(
        body(&lowered, "deployment/proxy")["spec"]["strategy"],
        strategy,
        "what the server takes anyway"
    );
    assert_eq!(body(&lowered, "service/proxy")["spec"]["ports"][0]["port"], 80);
}

#[test]
fn a_deployment_with_all_that_belongs_to_it() {
    let (lifted, lowered) = carry(WEB);
    let web = &lifted.app.workloads["web"];
    assert_eq!(web.replicas, Some(3));
    assert_eq!(web.containers["web"].env["PRICE"], EnvValue::Text("5$ or $(A)".to_owned()));
    assert!(matches!(web.containers["web"].env["TOKEN"], EnvValue::From(EnvSource::Secret { .. })));
    assert_eq!((web.expose["http"].port, web.expose["http"].internal_port), (8888, Some(80)));
    assert_eq!(
        web.autoscale.as_ref().map(|scale| (scale.min, scale.max, scale.cpu)),
        Some((1, 10, Some(70)))
    );
    assert_eq!(web.placement.spread[0].over, "zone");
    assert_eq!(lifted.app.routes.len(), 2);
    assert_eq!(lifted.app.natives.keys().collect::<Vec<_>>(), ["service-web-metrics", "serviceaccount-web"]);
    let deployment = body(&lowered, "deployment/web");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(deployment["spec"]["revisionHistoryLimit"], 3);
    assert_eq!(pod["priorityClassName"], "high");
    assert_eq!(pod["securityContext"]["fsGroup"], 2000);
    let env: Vec<&str> = pod["containers"][0]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|env| env["name"].as_str().unwrap())
        .collect();
    assert_eq!(env[3..], ["POD_IP", "URL", "MAYBE"], "what refers to another comes behind it");
    let port = &pod["containers"][0]["ports"][0];
    assert_eq!((&port["containerPort"], &port["hostPort"]), (&json!(8080), &json!(8888)));
    assert!(pod["volumes"].as_array().unwrap().iter().any(|volume| volume.get("projected").is_some()));
    let service = body(&lowered, "service/web");
    assert_eq!(service["spec"]["ports"][0]["appProtocol"], "h2c");
    assert_eq!(service["spec"]["ports"].as_array().unwrap().len(), 1);
    assert_eq!(
        body(&lowered, "horizontalpodautoscaler/web")["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"],
        60
    );
    assert_eq!(lost(&lifted, "horizontalpodautoscaler/web-hpa"), ["metadata.namespace", "metadata.name"]);
}

#[test]
fn material_is_in_no_app() {
    let (objects, lifted) = lift_text(WEB);
    let text = format!("{}{:?}{objects:?}", serde_json::to_string(&lifted.app).unwrap(), lifted.notes);
    assert!(!text.contains("canary"));
}

#[test]
fn a_stateful_set_with_claims() {
    let (lifted, lowered) = carry(
        r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  serviceName: db
  replicas: 3
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec:
      terminationGracePeriodSeconds: 120
      initContainers: [{ name: init, image: busybox, command: [sh, -c, "exit 0"], volumeMounts: [{ name: data, mountPath: /data }] }]
      containers:
        - name: db
          image: postgres:17
          ports: [{ name: pg, containerPort: 5432 }]
          env: [{ name: N, valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } } }]
          volumeMounts: [{ name: data, mountPath: /data, subPath: pg }]
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - { labelSelector: { matchExpressions: [{ key: app, operator: In, values: [db] }] }, topologyKey: kubernetes.io/hostname }
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], storageClassName: fast, resources: { requests: { storage: 8Gi } } }
---
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { clusterIP: None, selector: { app: db }, ports: [{ name: pg, port: 5432 }] }
"#,
    );
    let db = &lifted.app.workloads["db"];
    assert_eq!((db.mode, db.discovery), (Mode::Stateful, Discovery::Dns));
    assert_eq!(db.placement.away[0].workload, "db");
    assert!(matches!(db.containers["db"].mounts["/data"].source, MountSource::Volume { .. }));
    assert_eq!(lifted.app.volumes["data"].class.as_deref(), Some("fast"));
    let set = body(&lowered, "statefulset/db");
    assert_eq!(set["spec"]["serviceName"], "db");
    assert!(db.on.is_empty(), "{:?}", db.on);
}

#[test]
fn jobs_pods_and_older_kinds() {
    let (lifted, _) = carry(
        r#"
apiVersion: batch/v1
kind: CronJob
metadata: { name: tidy }
spec:
  schedule: "@daily"
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 60
  jobTemplate: { spec: { backoffLimit: 2, template: { spec: { restartPolicy: OnFailure, containers: [{ name: tidy, image: busybox }] } } } }
---
apiVersion: batch/v1
kind: Job
metadata: { name: migrate }
spec: { template: { spec: { restartPolicy: Never, containers: [{ name: migrate, image: busybox }] } } }
---
apiVersion: v1
kind: ReplicationController
metadata: { name: old }
spec: { replicas: 2, selector: { app: old }, template: { metadata: { labels: { app: old } }, spec: { containers: [{ name: old, image: busybox }] } } }
---
apiVersion: v1
kind: Pod
metadata: { name: bare, labels: { app: bare } }
spec: { hostNetwork: true, containers: [{ name: bare, image: busybox, tty: true }] }
---
apiVersion: extensions/v1beta1
kind: DaemonSet
metadata: { name: agent }
spec: { template: { metadata: { labels: { app: agent } }, spec: { tolerations: [{ operator: Exists }], containers: [{ name: agent, image: busybox, securityContext: { privileged: true }, volumeMounts: [{ name: root, mountPath: /host, readOnly: true }] }], volumes: [{ name: root, hostPath: { path: / } }] } } }
"#,
    );
    let modes: Vec<Mode> = lifted.app.workloads.values().map(|workload| workload.mode).collect();
    assert_eq!(modes, [Mode::Global, Mode::Replicated, Mode::Job, Mode::Replicated, Mode::Cron]);
    assert_eq!(lifted.app.workloads["tidy"].cron.as_ref().unwrap().schedule, "0 0 * * *");
    assert_eq!(
        lifted.app.workloads["migrate"].job.as_ref().unwrap().retries,
        Some(6),
        "the server's own number"
    );
    assert_eq!(lost(&lifted, "replicationcontroller/old"), ["kind", "spec.selector"]);
}

#[test]
fn ways_in() {
    let (lifted, lowered) = carry(
        "
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: { selector: { matchLabels: { app: web } }, template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: nginx }] } } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: edge }
spec: { selector: { matchLabels: { app: edge } }, template: { metadata: { labels: { app: edge } }, spec: { containers: [{ name: edge, image: nginx, ports: [{ containerPort: 80 }] }] } } }
---
apiVersion: v1
kind: Service
metadata: { name: edge }
spec: { type: LoadBalancer, loadBalancerIP: 10.0.0.1, selector: { app: edge }, ports: [{ port: 443, targetPort: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: outside }
spec: { type: ExternalName, externalName: db.example.com }
",
    );
    let (_, expose) = lifted.app.workloads["web"].expose.first().unwrap();
    assert_eq!((expose.kind, expose.port), (ExposeAs::Internal, 80), "the server is to choose the port");
    assert_eq!(body(&lowered, "service/web")["spec"]["type"], "NodePort");
    assert_eq!(lifted.app.workloads["edge"].expose["http"].kind, ExposeAs::LoadBalancer);
    assert_eq!(body(&lowered, "service/edge")["spec"]["loadBalancerIP"], "10.0.0.1");
    assert!(lifted.app.natives.contains_key("service-outside"));
}

#[test]
fn what_the_server_wrote_is_told_apart() {
    let (lifted, _) = carry(
        r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  uid: 0b
  generation: 4
  creationTimestamp: "2026-01-01T00:00:00Z"
  annotations: { deployment.kubernetes.io/revision: "3" }
  managedFields: [{ manager: kubectl, fieldsV1: { "f:spec": {} } }]
spec:
  progressDeadlineSeconds: 600
  replicas: 1
  revisionHistoryLimit: 10
  selector: { matchLabels: { app: web } }
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 25%, maxUnavailable: 25% } }
  template:
    metadata: { creationTimestamp: null, labels: { app: web } }
    spec:
      containers: [{ name: web, image: "nginx:1", imagePullPolicy: IfNotPresent, resources: {}, terminationMessagePath: /dev/termination-log, terminationMessagePolicy: File }]
      dnsPolicy: ClusterFirst
      restartPolicy: Always
      schedulerName: default-scheduler
      securityContext: {}
      terminationGracePeriodSeconds: 30
status: { replicas: 1, conditions: [{ type: Available, status: "True" }] }
"#,
    );
    let web = &lifted.app.workloads["web"];
    assert!(web.on.is_empty() && web.update.is_none() && web.annotations.is_empty(), "{web:#?}");
    assert_eq!(lost(&lifted, "deployment/web"), ["spec.selector"]);
    let counts = lifted.accounts[0].counts();
    assert_eq!((counts.kept, counts.lost), (0, 1));
}

#[test]
fn what_controllers_made_is_left_to_them() {
    let (_, lifted) = lift_text(
        "{ apiVersion: apps/v1, kind: ReplicaSet, metadata: { name: web-1, ownerReferences: [{ kind: Deployment, name: web, controller: true }] } }",
    );
    assert_eq!(lifted.app, App::default());
    assert_eq!(lifted.accounts[0].counts().own, lifted.accounts[0].fields);
}

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
