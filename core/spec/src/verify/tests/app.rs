//! Rules about documents and how they go together.

use super::{check, check_container, check_workload};
use crate::{Source, parse};

#[test]
fn an_app_with_nothing_wrong_is_silent() {
    check(include_str!("complete.yaml"), &[]);
}

#[test]
fn dangling_references() {
    check_container(
        "env:\n  A: { secret: db, key: url }\n  B: { config: web, key: a }\n  C: { address: queue, port: amqp }",
        &[
            "env.A: there is no secret `db`",
            "env.B: there is no config `web`",
            "env.C: there is no workload `queue`",
        ],
    );
    check_container(
        "envFrom: [{ config: web }, { secret: db }, {}]",
        &[
            "envFrom[0].config: there is no config `web`",
            "envFrom[1].secret: there is no secret `db`",
            "envFrom[2]: set exactly one of `config` and `secret`",
        ],
    );
    check_container(
        "mounts:\n  /a: { config: web }\n  /b: { secret: db }\n  /c: { volume: data }",
        &[
            "mounts./a.config: there is no config `web`",
            "mounts./b.secret: there is no secret `db`",
            "mounts./c.volume: there is no volume `data`",
        ],
    );
    check_workload(
        "dependsOn: [db]\npullSecret: pull\nnetworks: { back: {} }\nplacement: { near: [{ workload: x }], away: [{ workload: y }] }",
        &[
            "dependsOn[0]: there is no workload `db`",
            "pullSecret: there is no secret `pull`",
            "networks.back: there is no network `back`",
            "placement.near[0].workload: there is no workload `x`",
            "placement.away[0].workload: there is no workload `y`",
        ],
    );
    check(
        "kind: Route\nname: web\nhost: a.example\npaths: { /: { workload: web, port: http } }\ntls: { secret: tls }\n",
        &["route/web.paths./: there is no workload `web`", "route/web.tls.secret: there is no secret `tls`"],
    );
}

#[test]
fn keys_and_ports_that_the_other_does_not_have() {
    let documents = "---\nkind: Secret\nname: db\ngenerate: { password: {} }\n---\nkind: Config\nname: cfg\ndata: { a: b }\n\
                     binary: { bytes: aGk= }\n---\nkind: Workload\nname: queue\ncontainers: { q: { image: q, ports: { amqp: 5672, ui: 80 } } }\n\
                     expose: { amqp: { port: 5672 } }\n---\nkind: Secret\nname: old\nexternal: true\n";
    let text = format!(
        "kind: Workload\nname: web\npullSecret: db\ncontainers:\n  web:\n    image: nginx\n    env:\n      A: {{ secret: db, key: pasword }}\n      \
         B: {{ config: cfg, key: c }}\n      C: {{ address: queue, port: ui }}\n      D: {{ config: cfg, key: bytes }}\n      \
         E: {{ secret: old, key: anything }}\n      F: {{ address: queue, port: amqp, format: x }}\n    \
         mounts: {{ /a: {{ secret: db, key: x }}, /b: {{ config: cfg, key: x }} }}\n{documents}"
    );
    check(
        &text,
        &[
            "workload/web.pullSecret: the secret `db` has no key `.dockerconfigjson`",
            "workload/web.containers.web.env.A: the secret `db` has no key `pasword`",
            "workload/web.containers.web.env.B: the config `cfg` has no key `c`",
            "workload/web.containers.web.env.C: the workload `queue` exposes no port `ui`",
            "workload/web.containers.web.env.D: the key `bytes` of the config `cfg` holds bytes",
            "warning workload/web.containers.web.env.F.format: `x` does not hold the address",
            "workload/web.containers.web.mounts./a.key: the secret `db` has no key `x`",
            "workload/web.containers.web.mounts./b.key: the config `cfg` has no key `x`",
        ],
    );
}

#[test]
fn remedies_name_what_was_probably_meant() {
    let text = "kind: Workload\nname: web\ncontainers: { web: { image: a, ports: { http: 80 }, \
                env: { A: { secret: bd, key: a }, B: { address: web, port: http } } } }\n---\n\
                kind: Secret\nname: db\ngenerate: { a: {} }\n";
    let found = parse(&[Source { file: "a".into(), text: text.into() }]).unwrap().verify();
    let remedies: Vec<&str> = found.iter().filter_map(|found| found.remedy.as_deref()).collect();
    assert_eq!(remedies, ["`db`", "`expose: { http: { port: 80 } }` in the workload `web`"]);
}

#[test]
fn ports_clash() {
    check(
        "kind: Workload\nname: web\ncontainers:\n  a: { image: a, ports: { http: 80, more: 80, dns: { port: 80, protocol: udp } } }\n  \
         b: { image: b, ports: { http: 81, other: 80, none: 0 } }\n",
        &[
            "workload/web.containers.a.ports.more: TCP port 80 is listened on twice",
            "workload/web.containers.b.ports.http: the container `a` has a port named `http`, too",
            "workload/web.containers.b.ports.other: TCP port 80 is listened on twice",
            "workload/web.containers.b.ports.none: the port is 0",
        ],
    );
    let node = |name: &str, port: &str| {
        format!(
            "---\nkind: Workload\nname: {name}\ncontainers: {{ a: {{ image: a, ports: {{ http: 80 }} }} }}\n\
             expose: {{ http: {{ {port} }} }}\n"
        )
    };
    check(
        &(node("a", "port: 80, as: node") + &node("b", "port: 80, as: node") + &node("c", "port: 80")),
        &["workload/b.expose.http.port: port 80 of the nodes is published twice"],
    );
    let local = "port: 80, as: node, traffic: local";
    check(
        &(node("a", local) + &node("b", local)),
        &["warning workload/b.expose.http.port: port 80 of the nodes is published twice"],
    );
}

#[test]
fn names_that_are_not_allowed() {
    let long = "a".repeat(64);
    check(
        &format!(
            "kind: Volume\nname: Data_1\n---\nkind: Network\nname: {long}\n---\nkind: Volume\nname: -a\n"
        ),
        &[
            "volume/Data_1: the volume name `Data_1` is not allowed",
            &format!("network/{long}: the network name `{long}` is not allowed"),
            "volume/-a: the volume name `-a` is not allowed",
        ],
    );
    check(
        "kind: Workload\nname: web\ninitContainers: { web: { image: a } }\ncontainers: { web: { image: a, \
         ports: { HTTP: 80, 8080: 81, a-very-long-port-name: 82 } }, Side: { image: a } }\n",
        &[
            "workload/web.initContainers.web: a container is named `web`, too",
            "workload/web.containers.Side: the container name `Side` is not allowed",
            "workload/web.containers.web.ports.HTTP: the port name `HTTP` is not allowed",
            "workload/web.containers.web.ports.8080: the port name `8080` is not allowed",
            "workload/web.containers.web.ports.a-very-long-port-name: the port name `a-very-long-port-name` is not allowed",
        ],
    );
    check_container(
        "env: { 1A: x, 'A B': x, discovery.type: x }",
        &["env.1A: a variable cannot be named `1A`", "env.A B: a variable cannot be named `A B`"],
    );
    check(
        "kind: Config\nname: cfg\ndata: { a/b: x, ..: y, .env: z }\nlabels: { rhumb.dev/x: y, '': z }\n",
        &[
            "config/cfg.data.a/b: the key `a/b` is not allowed",
            "config/cfg.data...: the key `..` is not allowed",
            "config/cfg.labels: a key is empty",
            "config/cfg.labels.rhumb.dev/x: `rhumb.dev/x` is reserved",
        ],
    );
    check(
        "kind: Workload\nname: web\nannotations: { rhumb.dev/a: b }\ncontainers: { a: { image: a, \
         envFrom: [{ config: cfg, prefix: '' }] } }\n---\nkind: Config\nname: cfg\ndata: { 1a: x }\n",
        &[
            "workload/web.annotations.rhumb.dev/a: `rhumb.dev/a` is reserved",
            "workload/web.containers.a.envFrom[0]: a variable cannot be named `1a`",
        ],
    );
}

#[test]
fn cycles_are_named_in_order() {
    let workload = |name: &str, others: &str| {
        format!(
            "---\nkind: Workload\nname: {name}\ndependsOn: [{others}]\ncontainers: {{ a: {{ image: a }} }}\n"
        )
    };
    check(
        &(workload("c", "a") + &workload("a", "b") + &workload("b", "d, c") + &workload("d", "")),
        &["workload/a.dependsOn[0]: workloads wait for each other: a → b → c → a"],
    );
    check(
        &(workload("a", "b, a, b") + &workload("b", "")),
        &[
            "workload/a.dependsOn[1]: `a` waits for itself",
            "warning workload/a.dependsOn[2]: `b` is there twice",
        ],
    );
    let two = workload("a", "b") + &workload("b", "a") + &workload("x", "y") + &workload("y", "x");
    check(
        &two,
        &[
            "workload/a.dependsOn[0]: workloads wait for each other: a → b → a",
            "workload/x.dependsOn[0]: workloads wait for each other: x → y → x",
        ],
    );
}

#[test]
fn addresses_may_go_in_circles() {
    let workload = |name: &str, other: &str| {
        format!(
            "---\nkind: Workload\nname: {name}\ncontainers: {{ a: {{ image: a, ports: {{ p: 80 }}, env: {{ A: {{ address: {other}, \
             port: p }} }} }} }}\nexpose: {{ p: {{ port: 80 }} }}\n"
        )
    };
    check(&(workload("a", "b") + &workload("b", "a")), &[]);
}

#[test]
fn long_chains_are_walked() {
    let text = (0..3_000).fold(String::new(), |text, number| {
        let next = if number == 2_999 { String::new() } else { format!("w{}", number + 1) };
        text + &format!(
            "---\nkind: Workload\nname: w{number}\ndependsOn: [{next}]\ncontainers: {{ a: {{ image: a }} }}\n"
        )
    });
    check(&text, &[]);
}

#[test]
fn networks_and_names() {
    check(
        "kind: Network\nname: a\nsubnet: 10.0.0.0\n---\nkind: Network\nname: b\nexternal: true\nsubnet: 10.0.0.0/8\n",
        &[
            "network/a.subnet: `10.0.0.0` is not an address range",
            "network/b.external: an external network is not ours to shape",
        ],
    );
    check_workload(
        "dns: { servers: [one] }\nextraHosts: { a: b }\nhostname: A_B",
        &[
            "dns.servers[0]: `one` is not an IP address",
            "extraHosts.a: `b` is not an IP address",
            "hostname: `A_B` is not a host name",
        ],
    );
}

#[test]
fn routes() {
    let web = "---\nkind: Workload\nname: web\ncontainers: { a: { image: a, ports: { http: 80, ui: 81 } } }\nexpose: { http: { port: 80 } }\n";
    let text = format!(
        "kind: Route\nname: a\nhost: a.example\npaths: {{ /: {{ workload: web, port: http }}, x: {{ workload: web, port: ui }} }}\n---\n\
         kind: Route\nname: b\nhost: a.example\npaths: {{ /: {{ workload: web, port: http }} }}\ntls: {{ secret: s, resolver: r }}\n---\n\
         kind: Route\nname: c\nhost: https://c\npaths: {{}}\n---\nkind: Secret\nname: s\ngenerate: {{ tls.key: {{}} }}\n{web}"
    );
    check(
        &text,
        &[
            "route/a.paths.x: the path `x` does not begin with `/`",
            "route/a.paths.x: the workload `web` exposes no port `ui`",
            "route/b.paths./: the route `a` has this host and path, too",
            "route/b.tls: `secret` and `resolver` do not go together",
            "route/b.tls.secret: the secret `s` has no key `tls.crt`",
            "route/c.host: `https://c` is not a host name",
            "route/c.paths: the route leads nowhere",
        ],
    );
}

#[test]
fn configs_and_natives() {
    check(
        "kind: Config\nname: a\ndata: { x: y }\nbinary: { x: aGk=, y: 'a b' }\n---\nkind: Config\nname: b\nexternal: true\ndata: { x: y }\n\
         ---\nkind: Native\nname: n\nplatform: ''\nmanifest: [1]\n",
        &[
            "config/a.binary.x: the key `x` is in `data`, too",
            "config/a.binary.y: the value is not base64",
            "config/b.external: an external config has no content of ours",
            "native/n.platform: the platform is empty",
            "native/n.manifest: the manifest is not a mapping",
        ],
    );
}

#[test]
fn secrets() {
    check(
        "kind: Secret\nname: a\n---\nkind: Secret\nname: b\nexternal: true\ngenerate: { x: {} }\n---\nkind: Secret\nname: c\n\
         data: { x: 'sealed:0' }\ngenerate: { x: { length: 0 }, id: { kind: uuid, length: 3, hosts: [a], days: 1, privateKey: y, charset: hex } }\n\
         template: { x: a }\n---\nkind: Secret\nname: d\ngenerate: { crt: { kind: certificate } }\n",
        &[
            "secret/a: the secret has no key",
            "secret/b.external: an external secret has no content of ours",
            "secret/c.generate.x: the key `x` is there twice",
            "secret/c.template.x: the key `x` is there twice",
            "secret/c.generate.x.length: `length` is 0",
            "secret/c.generate.id.length: `length` goes with `kind: password` and `kind: key` only",
            "secret/c.generate.id.charset: `charset` goes with `kind: password` only",
            "secret/c.generate.id.hosts: `hosts` goes with `kind: certificate` only",
            "secret/c.generate.id.days: `days` goes with `kind: certificate` only",
            "secret/c.generate.id.privateKey: `privateKey` goes with `kind: certificate` only",
            "secret/d.generate.crt: `hosts` is missing",
            "secret/d.generate.crt: `privateKey` is missing",
        ],
    );
}

#[test]
fn templates_of_secrets() {
    check(
        "kind: Secret\nname: a\ngenerate: { password: {} }\ntemplate:\n  ok: '{{\"p\": \"{password}\"}}'\n  typo: '{pasword}'\n  lone: 'a { b'\n  \
         other: '{ok}'\n  close: 'a } b'\n  noport: '{address:db}'\n  nothing: '{address:db:pg}'\n",
        &[
            "secret/a.template.typo: `{pasword}` stands for no key of the secret",
            "secret/a.template.lone: a brace stands alone",
            "secret/a.template.other: `{ok}` stands for another template",
            "secret/a.template.close: a brace stands alone",
            "secret/a.template.noport: `{address:db}` names no port",
            "secret/a.template.nothing: there is no workload `db`",
        ],
    );
}

#[test]
fn sealed_values_stay_in_secrets() {
    let seal = "sealed:00112233445566778899aabbccddeeff";
    check(
        &format!(
            "kind: Workload\nname: web\ncontainers: {{ a: {{ image: a, env: {{ A: 'x{seal}' }}, args: ['{seal}'] }} }}\n---\n\
             kind: Config\nname: cfg\ndata: {{ a: '{seal}' }}\n---\nkind: Secret\nname: s\ndata: {{ a: '{seal}' }}\ntemplate: {{ b: '{seal}' }}\n\
             ---\nkind: Config\nname: plain\ndata: {{ a: 'unsealed: yes' }}\n"
        ),
        &[
            "workload/web.containers.a.env.A: a secret value stands outside of a secret",
            "workload/web.containers.a.args[0]: a secret value stands outside of a secret",
            "config/cfg.data.a: a secret value stands outside of a secret",
            "secret/s.template.b: a secret value stands outside of a secret",
        ],
    );
}

#[test]
fn volumes() {
    check(
        "kind: Volume\nname: a\nsize: 0\nclass: x\nnfs: { server: '', path: data }\n---\nkind: Volume\nname: b\nexternal: true\nkeep: false\nclass: x\n",
        &[
            "volume/a.size: the size is 0",
            "volume/a.nfs: `nfs` and `class` do not go together",
            "volume/a.nfs.path: `data` is not an absolute path",
            "volume/a.nfs.server: the server is empty",
            "volume/b.external: an external volume is not ours to shape",
            "volume/b.keep: an external volume is always kept",
        ],
    );
    let user = |name: &str, mode: &str, volume: &str| {
        format!(
            "---\nkind: Workload\nname: {name}\nmode: {mode}\ncontainers: {{ a: {{ image: a, mounts: {{ /a: {{ volume: {volume} }} }} }} }}\n"
        )
    };
    check(
        &("---\nkind: Volume\nname: v\n".to_owned()
            + &user("a", "replicated", "v")
            + &user("b", "job", "v")
            + "---\nkind: Volume\nname: w\n"
            + &user("c", "global", "w")
            + "---\nkind: Volume\nname: x\n"
            + &user("d", "stateful", "x")
            + &user("e", "job", "x")
            + "---\nkind: Volume\nname: y\naccess: shared\n"
            + &user("f", "global", "y")
            + &user("g", "job", "y")),
        &[
            "warning volume/v.access: `a` and `b` mount one volume",
            "volume/w.access: `c` mounts this volume on every node",
            "volume/x.access: `d` and `e` mount one volume",
        ],
    );
}
