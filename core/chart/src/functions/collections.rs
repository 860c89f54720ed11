//! Filters on maps and lists.

use tera::{Error, Kwargs, Map, State, Tera, TeraResult, Value};

use super::{Filter, bounds, check_arguments, key, list_of, map_of};

pub(super) const FILTERS: &[Filter] = &[
    Filter::keeping("merge", &["over", "under"], merge),
    Filter::keeping("pick", &["keys"], |value, arguments| {
        let keys = arguments.must_get::<Vec<String>>("keys")?;
        let map = map_of("pick", value)?;
        let picked = keys.iter().filter_map(|name| Some((key(name), map.get(&key(name))?.clone())));
        Ok(picked.collect::<Map>().into())
    }),
    Filter::keeping("omit", &["keys"], |value, arguments| {
        let keys = arguments.must_get::<Vec<String>>("keys")?;
        let kept = map_of("omit", value)?.iter().filter(|(name, _)| !keys.contains(&name.to_string()));
        Ok(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map>().into())
    }),
    Filter::keeping("has_key", &["key"], |value, arguments| {
        Ok(map_of("has_key", value)?.contains_key(&key(arguments.must_get::<&str>("key")?)).into())
    }),
    Filter::keeping("dig", &["path", "default"], dig),
    Filter::keeping("concat", &["with"], |value, arguments| {
        let with = arguments.must_get::<Vec<Value>>("with")?;
        Ok([list_of("concat", value)?, &with].concat().into())
    }),
    Filter::keeping("append", &["item"], |value, arguments| {
        let mut items = list_of("append", value)?.to_vec();
        items.push(arguments.must_get("item")?);
        Ok(items.into())
    }),
    Filter::keeping("without", &["items"], |value, arguments| {
        let items = arguments.must_get::<Vec<Value>>("items")?;
        let kept = list_of("without", value)?.iter().filter(|item| !items.contains(item));
        Ok(kept.cloned().collect::<Vec<_>>().into())
    }),
    Filter::keeping("compact", &[], |value, _| {
        let kept = list_of("compact", value)?.iter().filter(|item| item.is_truthy());
        Ok(kept.cloned().collect::<Vec<_>>().into())
    }),
];

/// Replaces Tera's own `join` by one that makes no text without bound.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("join", |value: Value, arguments: Kwargs, _: &State<'_>| {
        check_arguments("join", &["sep"], &arguments)?;
        bounds::size("join", &value)?;
        let items = list_of("join", &value)?;
        let sep = arguments.get::<&str>("sep")?.unwrap_or_default();
        bounds::check("join", items.len().saturating_mul(sep.len()))?;
        Ok::<_, Error>(items.iter().map(ToString::to_string).collect::<Vec<_>>().join(sep))
    });
}

/// Merges maps, and the maps in them: `over` wins over the value, and the value wins over `under`.
fn merge(value: &Value, arguments: &Kwargs) -> TeraResult<Value> {
    let map = map_of("merge", value)?.clone();
    let merged = match (arguments.get::<Map>("over")?, arguments.get::<Map>("under")?) {
        (Some(over), None) => merged(map, over),
        (None, Some(under)) => merged(under, map),
        _ => return Err(Error::message("`merge` takes one of `over` and `under`")),
    };
    Ok(merged.into())
}

fn merged(mut base: Map, over: Map) -> Map {
    for (key, value) in over {
        let value = match (base.get(&key).and_then(Value::as_map), value.as_map()) {
            (Some(below), Some(above)) => merged(below.clone(), above.clone()).into(),
            _ => value,
        };
        base.insert(key, value);
    }
    base
}

/// The value at a path of keys, as in `a.b.0`, or the default where there is none.
fn dig(value: &Value, arguments: &Kwargs) -> TeraResult<Value> {
    let path = arguments.must_get::<&str>("path")?;
    let found = value.get_from_path(path).filter(|found| !found.is_none()).cloned();
    match (found, arguments.get::<Value>("default")?) {
        (Some(found), _) => Ok(found),
        (None, Some(default)) => Ok(default),
        (None, None) => {
            Err(Error::message(format!("there is nothing at `{path}`, and `dig` was given no default")))
        }
    }
}
