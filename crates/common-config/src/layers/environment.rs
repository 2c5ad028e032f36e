//! The environment as a layer.

use super::layer::Layer;
use crate::origin::Origin;
use crate::paths::SETTINGS_VARIABLE;

/// The variables of this process. Those that are not Unicode are passed over: no setting is such.
pub(super) fn process() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables that start with `prefix`, nested at `__`. Keys are in lower case, lines of notes.ini as written.
pub(super) fn layer(prefix: &str, variables: &[(String, String)]) -> Layer {
    let mut layer = Layer::new(None);
    for (variable, value) in variables {
        let Some(key) = variable.strip_prefix(prefix).filter(|key| !key.is_empty()) else {
            continue;
        };
        if variable == SETTINGS_VARIABLE {
            continue;
        }
        let path = match key.split_once("__") {
            Some((table, name)) if table.eq_ignore_ascii_case(super::notes::TABLE_KEY) => {
                vec![super::notes::TABLE_KEY.to_owned(), name.to_owned()]
            }
            _ => key.split("__").map(str::to_ascii_lowercase).collect(),
        };
        let variable = variable.clone();
        layer.insert_typed(path, value, Origin::Environment { variable });
    }
    layer
}
