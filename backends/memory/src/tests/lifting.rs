//! What is lowered can be lifted, and what is applied needs nothing more.

use proptest::prelude::*;
use rhumb_backend::{Backend, Lifted};
use rhumb_spec::App;

use super::apps::any_app;
use super::deploy::Release;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lift_gives_back_what_was_lowered(app in any_app()) {
        let release = Release::new("shop");
        let lifted = release.backend.lift(&release.lower(&app).unwrap());
        prop_assert_eq!(lifted, Lifted { app, ..Lifted::default() });
    }

    #[test]
    fn lift_gives_back_what_runs(app in any_app()) {
        let mut release = Release::new("shop");
        block_on(release.deploy(&app));
        let observed = block_on(release.backend.observe(&release.scope, &[])).unwrap();
        let objects: Vec<_> = observed.objects.into_iter().map(|live| live.object).collect();
        prop_assert_eq!(release.backend.lift(&objects), Lifted { app, ..Lifted::default() });
    }

    #[test]
    fn after_an_upgrade_there_is_nothing_to_do(apps in prop::collection::vec(any_app(), 1..4)) {
        let mut release = Release::new("shop");
        for app in apps {
            // Some upgrades change the mode of a workload, which needs the user's word.
            let want = release.lower(&app).unwrap();
            release.options.replace = want.iter().map(|object| object.id.clone()).collect();
            block_on(release.deploy(&app));
            prop_assert_eq!(block_on(release.again()), Vec::<String>::new());
        }
    }

    #[test]
    fn an_uninstall_leaves_what_is_kept(app in any_app()) {
        let mut release = Release::new("shop");
        block_on(release.deploy(&app));
        block_on(release.deploy(&App::default()));
        let left = block_on(release.backend.observe(&release.scope, &[])).unwrap().objects;
        let left: Vec<&str> = left.iter().map(|live| live.object.id.name()).collect();
        let kept: Vec<&str> =
            app.volumes.iter().filter(|(_, volume)| volume.is_kept()).map(|(name, _)| name.as_str()).collect();
        prop_assert_eq!(left, kept);
    }
}
