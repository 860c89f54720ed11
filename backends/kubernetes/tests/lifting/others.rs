//! What manifests of others have that ours have not.

use super::*;

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
