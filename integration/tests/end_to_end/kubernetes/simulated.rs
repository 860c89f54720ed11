//! Whole applications whose images are not to be had, on nodes that only look like nodes.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{Platform, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial::needs_cluster("kubernetes::sock_shop_from_install_to_uninstall", sock_shop)]
}

fn sock_shop() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("sock-shop")?;
    let (rhumb, kubectl) = (place.rhumb(), trial::cluster()?.kubectl());
    kubectl.simulate("sock-shop")?;
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/sock-shop");
    let chart = chart.to_str().ok_or("a plain path")?;
    rhumb.succeed(&["install", "shop", chart, "--wait"])?;
    let ready = kubectl.list("sock-shop", "deployments,statefulsets", "app.kubernetes.io/instance=shop")?;
    let all = ready.iter().all(|workload| workload["status"]["readyReplicas"].as_u64() >= Some(1));
    trial::require(ready.len() >= 14 && all, &format!("{} workloads, all ready: {all}", ready.len()))?;
    rhumb.succeed(&["upgrade", "shop", chart, "--set", "replicas=2", "--wait"])?;
    rhumb.succeed(&["rollback", "shop", "1", "--wait"])?;
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 3)?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    place.require_nothing_of("shop")
}
