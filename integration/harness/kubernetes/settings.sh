# shellcheck shell=bash disable=SC2154,SC2034,SC2054 # cluster.sh sets the variables, reads the others, and lists have commas
# What each program is told.

api_server_options() {
    options=(
        "${kube_apiserver[@]}"
        --etcd-servers http://127.0.0.1:2379
        --advertise-address "$address"
        --secure-port 6443
        --tls-cert-file "$dir/pki/kube-apiserver.crt" --tls-private-key-file "$dir/pki/kube-apiserver.key"
        --client-ca-file "$dir/pki/ca.crt"
        --authorization-mode Node,RBAC
        --enable-admission-plugins NodeRestriction,PodNodeSelector,PodTolerationRestriction
        --allow-privileged
        --service-cluster-ip-range "$services"
        --service-account-issuer https://kubernetes.default.svc.cluster.local
        --service-account-key-file "$dir/pki/accounts.key" --service-account-signing-key-file "$dir/pki/accounts.key"
        --kubelet-certificate-authority "$dir/pki/ca.crt" --kubelet-preferred-address-types InternalIP
        --kubelet-client-certificate "$dir/pki/kubelet-client.crt" --kubelet-client-key "$dir/pki/kubelet-client.key"
        --requestheader-client-ca-file "$dir/pki/ca.crt" --requestheader-allowed-names front-proxy-client
        --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group
        --requestheader-extra-headers-prefix X-Remote-Extra-
        --proxy-client-cert-file "$dir/pki/front-proxy.crt" --proxy-client-key-file "$dir/pki/front-proxy.key"
        --max-requests-inflight 4000 --max-mutating-requests-inflight 2000
        --profiling=false
    )
}

controller_manager_options() {
    options=(
        "${kube_controller_manager[@]}"
        --kubeconfig "$dir/pki/kube-controller-manager.kubeconfig"
        --authentication-kubeconfig "$dir/pki/kube-controller-manager.kubeconfig"
        --authorization-kubeconfig "$dir/pki/kube-controller-manager.kubeconfig"
        --leader-elect=false
        --bind-address 127.0.0.1
        --use-service-account-credentials
        --service-account-private-key-file "$dir/pki/accounts.key" --root-ca-file "$dir/pki/ca.crt"
        --cluster-signing-cert-file "$dir/pki/ca.crt" --cluster-signing-key-file "$dir/pki/ca.key"
        --controllers '*,-node-ipam-controller,-node-route-controller,-cloud-node-lifecycle-controller,-service-lb-controller'
        --kube-api-qps 1000 --kube-api-burst 2000
        --concurrent-deployment-syncs 20 --concurrent-replicaset-syncs 20 --concurrent-statefulset-syncs 20
        --concurrent-job-syncs 20 --concurrent-daemonset-syncs 10 --concurrent-namespace-syncs 20 --concurrent-gc-syncs 40
        --concurrent-endpoint-syncs 20 --concurrent-service-endpoint-syncs 20
        # A claim that waits for its volume is looked at this often.
        --pvclaimbinder-sync-period 2s
        --profiling=false
    )
}

scheduler_settings() {
    cat <<SETTINGS
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: { kubeconfig: $dir/pki/kube-scheduler.kubeconfig, qps: 1000, burst: 2000 }
leaderElection: { leaderElect: false }
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 2
SETTINGS
}

kubelet_settings() {
    cat <<SETTINGS
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $address
authentication:
  anonymous: { enabled: false }
  webhook: { enabled: true }
  x509: { clientCAFile: $dir/pki/ca.crt }
authorization: { mode: Webhook }
tlsCertFile: $dir/pki/kubelet-server.crt
tlsPrivateKeyFile: $dir/pki/kubelet-server.key
readOnlyPort: 0
containerRuntimeEndpoint: unix://$dir/node/containerd.sock
clusterDomain: cluster.local
clusterDNS: [$dns]
resolvConf: $dir/node/resolv.conf
cgroupDriver: cgroupfs
cgroupRoot: /$space
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
podLogsDir: $dir/node/logs
volumePluginDir: $dir/node/plugins
staticPodPath: ""
maxPods: 250
kubeAPIQPS: 500
kubeAPIBurst: 1000
eventRecordQPS: 0
registryPullQPS: 0
serializeImagePulls: false
# The machine's disk may be fuller than a node's ought to be, and images cannot be pulled again.
evictionHard: { memory.available: 50Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1% }
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
SETTINGS
}

proxy_settings() {
    cat <<SETTINGS
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: $address
clientConnection: { kubeconfig: $dir/pki/kube-proxy.kubeconfig, qps: 500, burst: 1000 }
hostnameOverride: $node
mode: iptables
clusterCIDR: $pods
iptables: { minSyncPeriod: 100ms }
# The limits belong to the machine, not to the node.
conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s }
SETTINGS
}

# Where Debian, or else the plugins' own makers, put them.
network_plugins() {
    local folder
    for folder in ${RHUMB_CNI_BIN_DIR:-} /usr/lib/cni /opt/cni/bin /usr/libexec/cni; do
        if [ -x "$folder/ptp" ] && [ -x "$folder/loopback" ] && [ -x "$folder/portmap" ] && [ -x "$folder/host-local" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

containerd_settings() {
    cat <<SETTINGS
version = 2
root = "$dir/node/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "$dir/node/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$dir/node/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/rhumb-pause:1"
  # The machine may withhold the right to lower a process' score for the out-of-memory killer.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$(network_plugins)"
    conf_dir = "$dir/node/cni"
SETTINGS
}

# Each pod has a cable of its own to the node, so that all traffic is routed and meets kube-proxy's rules; over a bridge that
# takes a kernel module.
network_settings() {
    cat <<SETTINGS
{ "cniVersion": "0.4.0", "name": "rhumb", "plugins": [
  { "type": "ptp", "mtu": 1500, "ipMasq": false,
    "ipam": { "type": "host-local", "dataDir": "$dir/node/addresses", "ranges": [[{ "subnet": "${pods%.*.*}.0.0/24" }]],
              "routes": [{ "dst": "0.0.0.0/0" }] } },
  { "type": "portmap", "capabilities": { "portMappings": true }, "snat": true }
] }
SETTINGS
}

# The objects that a cluster has from the start.
objects() {
    cat <<OBJECTS
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: { storageclass.kubernetes.io/is-default-class: "true" }
provisioner: rhumb.dev/host-path
reclaimPolicy: Delete
volumeBindingMode: Immediate
allowVolumeExpansion: true
OBJECTS
    [ "$with_node" = yes ] || return 0
    cat <<OBJECTS
---
apiVersion: v1
kind: Service
metadata: { name: kube-dns, namespace: kube-system, labels: { k8s-app: kube-dns } }
spec:
  clusterIP: $dns
  ports:
  - { name: dns, port: 53, protocol: UDP }
  - { name: dns-tcp, port: 53, protocol: TCP }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: kube-dns-node
  namespace: kube-system
  labels: { kubernetes.io/service-name: kube-dns, endpointslice.kubernetes.io/managed-by: cluster.sh }
addressType: IPv4
endpoints:
- { addresses: [$address], conditions: { ready: true } }
ports:
- { name: dns, port: 53, protocol: UDP }
- { name: dns-tcp, port: 53, protocol: TCP }
OBJECTS
}
