//! Comparison of a directory's tensors with its `config.json`.

use crate::HfError;
use crate::config::Described;
use crate::family::Family;
use crate::layout::{Layout, Part, layout};
use crate::numbers::{Columns, place};
use crate::store::Store;
use safetensors::Dtype;
use std::collections::{BTreeMap, BTreeSet};

/// Use the separate output head from the file, if the configuration says that it is tied to the
/// embedding but the two differ, as `transformers` does since version 5. Return true if it did.
pub(crate) fn untie_if_different(described: &mut Described, store: &Store) -> bool {
    let family = described.family;
    let (head, embedding) = (
        format!("{}.weight", family.head()),
        format!("{}.weight", family.embedding()),
    );
    let differs = described.model.tied_head
        && store.get(&head).is_some()
        && !same(
            store,
            &format!("{}{embedding}", prefix(family, store)),
            &head,
        );
    described.model.tied_head &= !differs;
    differs
}

/// Return the prefix of the tensors' names: files of the model without its head have none.
fn prefix(family: Family, store: &Store) -> &'static str {
    if store.names().any(|name| name.starts_with(family.prefix())) {
        family.prefix()
    } else {
        ""
    }
}

/// Check that every tensor fits, and return the positions of the model's parameters in the store.
///
/// # Errors
/// Every missing, extra or misshapen tensor.
pub(crate) fn check(described: &Described, store: &Store) -> Result<Layout, HfError> {
    let fail = |problems| {
        Err(HfError::Tensors {
            dir: store.dir.clone(),
            problems,
        })
    };
    let (family, config) = (described.family, &described.model);
    let (layers, count) = (config.n_layers, store.names().count());
    // A list of what a billion layers lack would be useless.
    if layers > count {
        return fail(vec![format!(
            "{layers} layers are described, but there are only {count} tensors"
        )]);
    }
    let layout = layout(family, config, prefix(family, store));

    let parts: BTreeMap<&str, &Part> = layout
        .parameters
        .values()
        .flatten()
        .map(|part| (part.name.as_str(), part))
        .collect();
    let mut problems: BTreeSet<String> = parts
        .values()
        .filter_map(|part| misfit(part, store).map(|what| format!("{}: {what}", part.name)))
        .collect();
    for twin in &layout.twins {
        match store.get(&twin.name) {
            None => drop(problems.insert(format!("{}: missing", twin.name))),
            Some(_) if same(store, &twin.name, &twin.of) => {}
            Some(_) => drop(problems.insert(format!("{}: {}", twin.name, twin.otherwise))),
        }
    }
    for constant in &layout.constants {
        let problem = misfit(&constant.part, store).or_else(|| {
            (!holds(store, &constant.part.name, constant.value))
                .then(|| constant.otherwise.to_owned())
        });
        problems.extend(problem.map(|what| format!("{}: {what}", constant.part.name)));
    }
    let known: BTreeSet<&str> = layout
        .twins
        .iter()
        .map(|twin| &twin.name)
        .chain(layout.constants.iter().map(|constant| &constant.part.name))
        .map(String::as_str)
        .collect();
    // A tied head in the file equals the embedding: `untie_if_different` has untied any that differs.
    let tied = |name: &str| config.tied_head && name.strip_suffix(".weight") == Some(family.head());
    for name in store.names() {
        if !tied(name)
            && !parts.contains_key(name)
            && !known.contains(name)
            && !family.ignores(name)
        {
            problems.insert(format!("{name}: not part of this model"));
        }
    }
    if let (false, None) = (
        config.tied_head,
        store.get(&format!("{}.weight", family.head())),
    ) {
        problems.insert(
            "tie_word_embeddings is false or left out, but there is no head (transformers would draw one at random): set it to \
             true if the embedding is the head"
                .to_owned(),
        );
    }
    if problems.is_empty() {
        Ok(layout)
    } else {
        fail(problems.into_iter().collect())
    }
}

fn misfit(part: &Part, store: &Store) -> Option<String> {
    let shape = &part.shape;
    match store.get(&part.name) {
        None => Some(format!("missing, expected shape {shape:?}")),
        Some(found) if found.shape != *shape => {
            Some(format!("shape {:?}, expected {shape:?}", found.shape))
        }
        Some(found) if !matches!(found.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) => Some(
            format!("numbers are {}, expected F32, F16 or BF16", found.dtype),
        ),
        Some(_) => None,
    }
}

fn same(store: &Store, one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (store.get(one), store.get(other)) else {
        return false;
    };
    (one.dtype, &one.shape) == (other.dtype, &other.shape) && store.bytes(one) == store.bytes(other)
}

/// Return true if a tensor, whose shape fits, holds only this number.
fn holds(store: &Store, name: &str, value: f32) -> bool {
    let Some(stored) = store.get(name) else {
        return false;
    };
    let mut values = vec![f32::NAN; stored.shape.iter().product()];
    let columns = Columns {
        first: 0,
        count: values.len(),
        width: values.len(),
    };
    place(
        &store.bytes(stored),
        stored.dtype,
        false,
        columns,
        &mut values,
    );
    values.iter().all(|found| *found == value)
}
