# shellcheck shell=bash disable=SC2154 # cluster.sh sets the variables
# Who is who in a cluster: keys, certificates and kubeconfigs.

# Makes $dir/pki/NAME.key and .crt, signed by the cluster's authority, for subject $2 and, for servers, the names $3.
certificate() {
    local name=$1 subject=$2 names=${3:-} file=$dir/pki/$1
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$file.key" -out "$file.csr" \
        -subj "$subject" 2>>"$dir/logs/identities.log"
    openssl x509 -req -in "$file.csr" -CA "$dir/pki/ca.crt" -CAkey "$dir/pki/ca.key" -days 30 -out "$file.crt" \
        -set_serial "0x$(openssl rand -hex 8)" 2>>"$dir/logs/identities.log" -extfile <(
        echo "basicConstraints = CA:FALSE"
        echo "keyUsage = digitalSignature"
        echo "extendedKeyUsage = clientAuth${names:+, serverAuth}"
        [ -z "$names" ] || echo "subjectAltName = $names"
    )
    rm "$file.csr"
}

# Writes kubeconfig $2 for the certificate called $1 and the API server at $3.
kubeconfig() {
    local file=$dir/pki/$1
    cat >"$2" <<KUBECONFIG
apiVersion: v1
kind: Config
current-context: rhumb
clusters:
- name: rhumb
  cluster:
    server: https://$3
    certificate-authority-data: $(base64 -w0 "$dir/pki/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$file.crt")
    client-key-data: $(base64 -w0 "$file.key")
contexts:
- name: rhumb
  context:
    cluster: rhumb
    user: $1
KUBECONFIG
    chmod 600 "$2"
}

# The cluster's own programs reach the API server through the gate.
component_identity() {
    certificate "$1" "$2"
    kubeconfig "$1" "$dir/pki/$1.kubeconfig" 127.0.0.1:6444
}

make_identities() {
    chmod 700 "$dir/pki"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=rhumb-test \
        -addext "keyUsage = critical, keyCertSign, cRLSign" -keyout "$dir/pki/ca.key" -out "$dir/pki/ca.crt" \
        2>>"$dir/logs/identities.log"
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$dir/pki/accounts.key" 2>>"$dir/logs/identities.log"
    certificate kube-apiserver /CN=kube-apiserver "IP:$address,IP:127.0.0.1,IP:${services%.*.*}.0.1,DNS:localhost,\
DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
    certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
    certificate front-proxy /CN=front-proxy-client
    component_identity admin /O=system:masters/CN=admin
    kubeconfig admin "$dir/admin.kubeconfig" "$address:6443"
    component_identity kube-controller-manager /CN=system:kube-controller-manager
    component_identity kube-scheduler /CN=system:kube-scheduler
    [ "$with_node" = yes ] || return 0
    component_identity kubelet "/O=system:nodes/CN=system:node:$node"
    component_identity kube-proxy /CN=system:kube-proxy
    certificate kubelet-server "/O=system:nodes/CN=system:node:$node" "IP:$address,DNS:$node"
}

# Makes user $1 in group $2, without any rights, and prints the path of their kubeconfig.
make_user() {
    local name=$1 group=$2 file
    case $name$group in *[!A-Za-z0-9.:_@-]*) die "a name has letters, digits and .:_@- only" ;; esac
    file=user-$name
    certificate "$file" "${group:+/O=$group}/CN=$name"
    kubeconfig "$file" "$dir/users/$name.kubeconfig" "$address:6443"
    echo "$dir/users/$name.kubeconfig"
}
