use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{World, id, steps};
use super::*;
use crate::double::Double;
use crate::{After, Live, Object, Ownership, Sequence, Until, reference};

fn object(name: &str, body: Value) -> Object {
    Object::new(id(name), body)
}

fn service(name: &str, body: Value) -> Object {
    Object { workload: Some(name.to_owned()), ..object(&format!("service/{name}"), body) }
}

fn config(content: &str) -> Object {
    Object { generation: Some(content.to_owned()), ..object("config/web", json!({ "content": content })) }
}

fn with_config(name: &str) -> Object {
    service(name, json!({ "uses": reference::reference(&id("config/web"), "id") }))
}

fn after(mut object: Object, other: &str, until: Until) -> Object {
    object.after.push(After { id: id(other), until });
    object
}

fn ordinal(index: u32, image: &str) -> Object {
    let sequence = Some(Sequence { set: "db".to_owned(), index });
    Object { sequence, ..service(&format!("db-{index}"), json!({ "image": image })) }
}

/// From one set of objects to the next, the steps of each move. After each there is nothing left to do.
fn check(stages: &[(&[Object], &[&str])]) -> World {
    check_with(&DiffOptions::default(), stages)
}

fn check_with(options: &DiffOptions, stages: &[(&[Object], &[&str])]) -> World {
    let mut world = World::default();
    let mut last: &[Object] = &[];
    for (want, expected) in stages {
        assert_eq!(world.reach(last, want, options).unwrap(), *expected);
        last = want;
    }
    world
}

#[test]
fn what_is_referred_to_comes_first_and_goes_last() {
    let shop = [with_config("a"), config("blue"), object("network/z", json!({}))];
    check(&[
        (&shop, &["Create config/web@blue", "Create network/z", "Create service/a < 0"]),
        (&[], &["Delete network/z", "Delete service/a", "Delete config/web@blue < 1"]),
    ]);
}

#[test]
fn old_generations_go_when_nobody_could_roll_back_to_them() {
    let shop = |content: &str| [config(content), with_config("a")];
    check(&[
        (&shop("1"), &["Create config/web@1", "Create service/a < 0"]),
        (&shop("2"), &["Create config/web@2", "Update service/a < 0"]),
        (&shop("3"), &["Create config/web@3", "Update service/a < 0", "Collect config/web@1 < 1!"]),
        (&[config("3"), service("a", json!({}))], &["Update service/a", "Collect config/web@2 < 0!"]),
    ]);
}

#[test]
fn what_is_gone_is_told_unless_it_may_never_have_been_there() {
    let shop = [service("a", json!({}))];
    let world = World::default();
    let notes = |unfinished: bool| {
        let options = DiffOptions { unfinished, ..DiffOptions::default() };
        world.plan(&shop, &shop, &options).unwrap().notes.len()
    };
    assert_eq!(notes(false), 1);
    assert_eq!(notes(true), 0);
}

#[test]
fn what_the_platform_gave_up_is_tried_anew_by_who_did_not_end() {
    let shop = [service("a", json!({ "tries": 1 })), service("b", json!({}))];
    let mut world = World::default();
    world.reach(&[], &shop, &DiffOptions::default()).unwrap();
    let plan = |world: &World, unfinished: bool| {
        let options = DiffOptions { unfinished, ..DiffOptions::default() };
        world.plan(&shop, &shop, &options).unwrap()
    };
    assert!(plan(&world, true).steps.is_empty(), "nothing was given up");
    for live in world.live.values_mut() {
        live.outputs.insert(Live::GIVEN_UP.to_owned(), "the platform paused".to_owned());
    }
    assert!(plan(&world, false).steps.is_empty(), "what was deployed is let alone");
    let plan = plan(&world, true);
    assert_eq!(steps(&plan), ["Update service/a"], "nothing brings b to try anew");
    assert_eq!(plan.steps[0].object.body, json!({ "tries": 2 }));
    assert_eq!(plan.steps[0].reason.as_deref(), Some("it is tried anew: the platform paused"));
}

#[test]
fn generations_that_revisions_need_stay() {
    let shop = |content: &str| [config(content), with_config("a")];
    let mut options = DiffOptions::default();
    options.needed.insert((id("config/web"), "1".to_owned()));
    check_with(
        &options,
        &[
            (&shop("1"), &["Create config/web@1", "Create service/a < 0"]),
            (&shop("2"), &["Create config/web@2", "Update service/a < 0"]),
            (&shop("3"), &["Create config/web@3", "Update service/a < 0"]),
            (&shop("1"), &["Update service/a", "Collect config/web@2 < 0!"]),
        ],
    );
}

#[test]
fn a_generation_goes_with_a_stable_name_and_comes_back() {
    let stable = object("config/web", json!({ "content": "x" }));
    check(&[
        (&[config("1"), with_config("a")], &["Create config/web@1", "Create service/a < 0"]),
        (&[stable.clone(), with_config("a")], &["Create config/web", "Update service/a < 0"]),
        (&[stable, service("a", json!({}))], &["Update service/a", "Collect config/web@1 < 0!"]),
    ]);
}

#[test]
fn who_depends_waits_and_what_is_there_is_awaited() {
    let web = |image: &str| after(service("web", json!({ "image": image })), "service/cache", Until::Ready);
    let cache = after(service("cache", json!({})), "service/db", Until::Ready);
    let db = |image: &str| service("db", json!({ "image": image }));
    check(&[
        (
            &[web("1"), cache.clone(), db("1")],
            &["Create service/db", "Create service/cache < 0!", "Create service/web < 1!"],
        ),
        (&[web("2"), cache.clone(), db("1")], &["Await service/cache", "Update service/web < 0!"]),
        (
            &[web("3"), cache.clone(), db("2")],
            &["Update service/db", "Await service/cache < 0!", "Update service/web < 1!"],
        ),
        (&[web("3"), cache, db("3")], &["Update service/db"]),
        (&[], &["Delete service/web", "Delete service/cache < 0", "Delete service/db < 1"]),
    ]);
}

#[test]
fn sequences_grow_upwards_and_change_and_shrink_downwards() {
    let set = |count: u32, image: &str| (0..count).map(|index| ordinal(index, image)).collect::<Vec<_>>();
    check(&[
        (&set(2, "1"), &["Create service/db-0", "Create service/db-1 < 0!"]),
        (&set(3, "1"), &["Await service/db-1", "Create service/db-2 < 0!"]),
        (&set(3, "2"), &["Update service/db-2", "Update service/db-1 < 0!", "Update service/db-0 < 1!"]),
        (&set(1, "3"), &["Delete service/db-2", "Delete service/db-1 < 0", "Update service/db-0 < 1"]),
        (&set(3, "4"), &["Create service/db-1", "Create service/db-2 < 0!", "Update service/db-0 < 1!"]),
    ]);
}

#[test]
fn a_missing_ordinal_does_not_wait_for_those_after_it() {
    let set: Vec<Object> = (0..3).map(|index| ordinal(index, "1")).collect();
    let web = after(service("web", json!({})), "service/db-2", Until::Ready);
    let mut world = World::default();
    world.reach(&[], &set, &DiffOptions::default()).unwrap();
    world.live.remove("service/db-0");
    let want = [set.clone(), vec![web]].concat();
    let plan = world.plan(&set, &want, &DiffOptions::default()).unwrap();
    assert_eq!(steps(&plan), ["Create service/db-0", "Await service/db-2", "Create service/web < 1!"]);
    assert_eq!(plan.notes.len(), 1, "{:?}", plan.notes);
}

#[test]
fn a_port_is_given_up_before_it_is_taken() {
    let with_port = |name: &str, port: u16| service(name, json!({ "port": port }));
    check(&[
        (&[with_port("old", 80)], &["Create service/old"]),
        (&[with_port("new", 80)], &["Delete service/old", "Create service/new < 0"]),
        (&[with_port("new", 81), with_port("a", 80)], &["Update service/new", "Create service/a < 0"]),
        (&[with_port("new", 80), with_port("a", 82)], &["Update service/a", "Update service/new < 0"]),
        // Two that change places cannot both go first.
        (&[with_port("new", 82), with_port("a", 80)], &["Update service/new", "Update service/a < 0"]),
    ]);
}

#[test]
fn users_of_what_is_made_anew_follow_it() {
    let network = |fixed: u8| object("network/n", json!({ "fixed": fixed }));
    let web = service("web", json!({ "uses": reference::reference(&id("network/n"), "id") }));
    let mut options = DiffOptions::default();
    options.replace.insert(id("network/n"));
    // Users stay on the old one until theirs is changed, which a platform may refuse; the plan is right all the same.
    let mut world = World::default();
    world.reach(&[], &[network(1), web.clone()], &options).unwrap();
    let plan = world.plan(&[network(1), web.clone()], &[network(2), web.clone()], &options).unwrap();
    assert_eq!(steps(&plan), ["Replace network/n", "Update service/web < 0"]);
    assert_eq!(plan.steps[0].reason.as_deref(), Some("fixed: it is fixed; it is down meanwhile"));
    options.replace.clear();
    let refused = world.plan(&[network(1), web.clone()], &[network(2), web], &options).unwrap_err();
    assert_eq!(refused, ["network/n cannot be changed in place"]);
}

fn job(content: &str) -> Object {
    let body = json!({ "image": content, "fixed": content });
    Object { once: Some(content.to_owned()), ..service("job", body) }
}

#[test]
fn jobs_run_once_for_each_content() {
    let web = after(service("web", json!({})), "service/job", Until::Ready);
    let mut world = World::default();
    let mut options = DiffOptions::default();
    let plan = world.plan(&[], &[job("1"), web.clone()], &options).unwrap();
    assert_eq!(steps(&plan), ["Create service/job", "Create service/web < 0!"]);
    world.carry_out(&plan).unwrap();
    let changed = |image: &str| [job("1"), Object { body: json!({ "image": image }), ..web.clone() }];

    let plan = world.plan(&[], &changed("2"), &options).unwrap();
    assert_eq!(
        steps(&plan),
        ["Await service/job", "Update service/web < 0!"],
        "nobody says that it has ended"
    );
    options.done.insert(id("service/job"), "1".to_owned());
    let plan = world.plan(&[], &changed("2"), &options).unwrap();
    assert_eq!(steps(&plan), ["Update service/web"], "the record says that it succeeded");
    let plan = world.plan(&[], &[job("2"), web.clone()], &options).unwrap();
    assert_eq!(steps(&plan), ["Replace service/job"], "jobs need nobody's word");
    world.live.clear();
    let plan = world.plan(&[], &[job("1")], &options).unwrap();
    assert!(plan.steps.is_empty(), "it succeeded, and its object was cleaned away");
}

#[test]
fn jobs_that_the_platform_tells_of() {
    let check = |state: Option<&str>, expected: &[&str]| {
        let mut world = World::default();
        world.carry_out(&world.plan(&[], &[job("1")], &DiffOptions::default()).unwrap()).unwrap();
        let live = world.live.get_mut("service/job").unwrap();
        live.outputs.extend(state.map(|state| (Live::JOB.to_owned(), state.to_owned())));
        let plan = world.plan(&[job("1")], &[job("1")], &DiffOptions::default()).unwrap();
        assert_eq!(steps(&plan), expected, "{state:?}");
    };
    check(None, &["Await service/job"]);
    check(Some(Live::JOB_FAILED), &["Replace service/job"]);
    check(Some(Live::JOB_SUCCEEDED), &[]);
}

#[test]
fn kept_objects_stay_with_a_note() {
    let volume = Object { ownership: Ownership::Kept, ..object("volume/data", json!({})) };
    let mut world = check(&[(std::slice::from_ref(&volume), &["Create volume/data"]), (&[], &[])]);
    let plan = world.plan(&[volume], &[], &DiffOptions::default()).unwrap();
    assert_eq!(plan.notes[0].text, "volume/data stays: what it holds is kept");
    let uninstall = uninstall_plan(&Double::default(), &[], &world.observed()).unwrap();
    assert_eq!((uninstall.steps.len(), uninstall.notes.len()), (0, 1));
    world.live.clear();
}

#[test]
fn counts_that_somebody_set_are_noted() {
    let web = [service("web", json!({ "replicas": 2 }))];
    let mut world = World::default();
    world.reach(&[], &web, &DiffOptions::default()).unwrap();
    world.live.get_mut("service/web").unwrap().object.body = json!({ "replicas": 7 });
    let plan = world.plan(&web, &web, &DiffOptions::default()).unwrap();
    assert!(plan.steps.is_empty());
    assert_eq!(plan.notes[0].text, "replicas stays at 7, as somebody set it (the chart says 2)");
}

#[test]
fn external_objects_must_be_there_and_are_never_touched() {
    let external = Object { ownership: Ownership::External, ..object("network/out", json!({})) };
    let web = service("web", json!({ "uses": reference::reference(&external.id, "id") }));
    let want = [external.clone(), web];
    let mut world = World::default();
    let refused = world.plan(&[], &want, &DiffOptions::default()).unwrap_err();
    assert_eq!(refused, ["network/out is not there"]);
    let there = object("network/out", json!({ "theirs": 1 }));
    world.carry_out(&world.plan(&[], &[there], &DiffOptions::default()).unwrap()).unwrap();
    let foreign = world.live.get_mut("network/out").unwrap();
    foreign.foreign = Some("it is theirs".to_owned());
    assert_eq!(world.reach(&[], &want, &DiffOptions::default()).unwrap(), ["Create service/web"]);
    assert_eq!(world.reach(&want, &[], &DiffOptions::default()).unwrap(), ["Delete service/web"]);
    assert_eq!(world.live.len(), 1);
}

#[test]
fn obstacles_are_collected() {
    let mut world = World::default();
    let theirs = [service("web", json!({}))];
    world.carry_out(&world.plan(&[], &theirs, &DiffOptions::default()).unwrap()).unwrap();
    world.live.get_mut("service/web").unwrap().foreign = Some("it is theirs".to_owned());
    let mut observed = world.observed();
    observed.unreadable.insert(id("service/db"), "forbidden".to_owned());
    observed.unreadable.insert(id("service/old"), "forbidden".to_owned());
    observed.unreadable.insert(id("service/nobodys"), "forbidden".to_owned());
    let want = [
        service("web", json!({})),
        after(service("db", json!({})), "service/nowhere", Until::Ready),
        object("config/a", json!({})),
        object("config/a", json!({})),
    ];
    let last = [service("old", json!({}))];
    let found = diff(&Double::default(), &last, &observed, &want, &DiffOptions::default()).unwrap_err();
    let found: Vec<&str> = found.iter().map(|found| found.what.as_str()).collect();
    assert_eq!(
        found,
        [
            "config/a is wanted twice",
            "service/db cannot be read",
            "service/old cannot be read",
            "service/db needs service/nowhere, which is neither wanted nor there",
            "service/web is there already and is not this release's"
        ]
    );
}

#[test]
fn what_goes_cannot_be_needed() {
    let shop = [config("1"), with_config("a")];
    let mut world = World::default();
    world.reach(&[], &shop, &DiffOptions::default()).unwrap();
    let refused = world.plan(&shop, &shop[1..], &DiffOptions::default()).unwrap_err();
    assert_eq!(refused, ["service/a needs config/web, which is neither wanted nor there"]);
}

#[test]
fn what_cannot_be_read_and_matters_to_nobody_is_left_alone() {
    let mut observed = Observed::default();
    observed.unreadable.insert(id("service/nobodys"), "forbidden".to_owned());
    let plan = diff(&Double::default(), &[], &observed, &[], &DiffOptions::default()).unwrap();
    assert!(plan.steps.is_empty());
    assert_eq!(plan.notes[0].text, "it cannot be read, so it is left alone: forbidden");
}

#[test]
fn circles_are_named() {
    let circle = [
        after(service("a", json!({})), "service/b", Until::Ready),
        after(service("b", json!({})), "service/c", Until::Ready),
        after(service("c", json!({})), "service/a", Until::Exists),
        after(service("d", json!({})), "service/a", Until::Exists),
    ];
    let refused = World::default().plan(&[], &circle, &DiffOptions::default()).unwrap_err();
    assert_eq!(refused, ["these objects wait for each other: service/a → service/c → service/b → service/a"]);
    let refer = |name: &str, to: &str| service(name, json!({ "uses": reference::reference(&id(to), "id") }));
    let circle = [refer("a", "service/b"), refer("b", "service/a")];
    let refused = World::default().plan(&[], &circle, &DiffOptions::default()).unwrap_err();
    assert_eq!(refused, ["these objects refer to each other in a circle: service/a → service/b → service/a"]);
}

#[test]
fn dependents_go_first_where_that_closes_no_circle() {
    let web = after(service("web", json!({ "image": 1 })), "service/cache", Until::Ready);
    let cache = service("cache", json!({}));
    let alone = service("web", json!({ "image": 2 }));
    check(&[
        (&[web, cache], &["Create service/cache", "Create service/web < 0!"]),
        (&[alone], &["Update service/web", "Delete service/cache < 0!"]),
    ]);
}

/// Objects of every sort, each referring to and waiting for earlier ones only.
fn objects() -> impl Strategy<Value = Vec<Object>> {
    let one = (any::<bool>(), 0..6_u8, 0..4_u8, prop::collection::vec(0..8_usize, 0..3), 0..8_usize, 0..6_u8);
    prop::collection::vec(one, 0..8).prop_map(|seeds| {
        let mut objects: Vec<Object> = Vec::new();
        for (at, (is_there, sort, content, uses, waits, port)) in seeds.into_iter().enumerate() {
            if !is_there {
                continue;
            }
            let mut made = of_sort(at, sort, content);
            let uses: Vec<Value> = uses
                .iter()
                .filter_map(|use_of| objects.get(*use_of))
                .map(|target| reference::reference(&target.id, "id"))
                .collect();
            if made.ownership != Ownership::Kept {
                made.body["uses"] = Value::Array(uses);
            }
            made.generation = made.generation.map(|_| made.body.to_string());
            if made.workload.is_some() {
                made.after.extend(
                    objects.get(waits).map(|other| After { id: other.id.clone(), until: Until::Ready }),
                );
                if port == 0 {
                    made.body["port"] = json!(at % 2);
                }
            }
            objects.push(made);
        }
        objects
    })
}

fn of_sort(at: usize, sort: u8, content: u8) -> Object {
    let name = format!("{at}");
    match sort {
        0 | 1 => Object {
            generation: Some(content.to_string()),
            ..object(&format!("config/{name}"), json!({ "content": content }))
        },
        2 => Object {
            ownership: Ownership::Kept,
            ..object(&format!("volume/{name}"), json!({ "content": content }))
        },
        3 => {
            let sequence = Some(Sequence { set: "set".to_owned(), index: u32::try_from(at).unwrap() });
            Object { sequence, ..service(&name, json!({ "content": content })) }
        }
        _ => service(&name, json!({ "content": content, "fixed": content / 2 })),
    }
}

fn everything_may_be_replaced() -> DiffOptions {
    let ids = (0..8).flat_map(|at| ["config", "volume", "service"].map(|kind| id(&format!("{kind}/{at}"))));
    DiffOptions { replace: ids.collect(), ..DiffOptions::default() }
}

proptest! {
    /// Whatever was there, the plan holds what plans must hold, can be carried out, and leaves nothing to do.
    #[test]
    fn plans_lead_where_they_should(stages in prop::collection::vec(objects(), 1..5)) {
        let mut world = World::default();
        let mut last: Vec<Object> = Vec::new();
        let options = everything_may_be_replaced();
        for want in stages.into_iter().chain([Vec::new()]) {
            match world.reach(&last, &want, &options) {
                Ok(_) => last = want,
                // Sets whose places cross other dependencies cannot be had; nothing else may be refused.
                Err(why) => {
                    prop_assert!(why[0].starts_with("these objects wait for each other"), "{:#?}", why);
                    return Ok(());
                }
            }
        }
        let left: Vec<&String> = world.live.keys().collect();
        prop_assert!(left.iter().all(|native| native.starts_with("volume/")), "{:?}", left);
    }

    /// A plan that stopped anywhere is made good by the next one.
    #[test]
    fn the_next_plan_goes_on_where_one_stopped(first in objects(), then in objects(), stop in 0..20_usize) {
        let mut world = World::default();
        let options = everything_may_be_replaced();
        let Ok(_) = world.reach(&[], &first, &options) else { return Ok(()) };
        let Ok(mut plan) = world.plan(&first, &then, &options) else { return Ok(()) };
        plan.steps.truncate(stop);
        world.carry_out(&plan).map_err(TestCaseError::fail)?;
        let reached = world.reach(&first, &then, &options);
        prop_assert!(reached.is_ok() || reached.as_ref().is_err_and(|why| why[0].starts_with("these objects")), "{:?}", reached);
    }

    #[test]
    fn equal_inputs_give_equal_plans(first in objects(), then in objects()) {
        let mut world = World::default();
        let options = everything_may_be_replaced();
        let Ok(_) = world.reach(&[], &first, &options) else { return Ok(()) };
        let mut turned = then.clone();
        turned.reverse();
        prop_assert_eq!(world.plan(&first, &then, &options), world.plan(&first, &turned, &options));
    }
}
