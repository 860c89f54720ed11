//! Manifests of all sorts, lifted: nothing is dropped in silence, and what is kept is there when it is lowered again.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../lifting_support/mod.rs"]
mod lifting_support;
mod others;
mod random;

use lifting_support::{account_adds_up, backend, lift_text, lower, semantic_losses};
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
