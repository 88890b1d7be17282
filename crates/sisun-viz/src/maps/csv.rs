//! `attention.csv`.

use std::path::Path;

use sisun_infer::AttentionMaps;
use sisun_model::Activation;

use super::{MapsError, disk};

/// Write the patterns as `layer,head,query,key,query_token,key_token,weight`, one row for each
/// cell.
pub(super) fn write(maps: &AttentionMaps, path: &Path) -> Result<(), MapsError> {
    disk::write_stream(path, |out| {
        let mut table = csv::WriterBuilder::new()
            .has_headers(false)
            .from_writer(out);
        table.write_record([
            "layer",
            "head",
            "query",
            "key",
            "query_token",
            "key_token",
            "weight",
        ])?;
        for activation in maps.of(Activation::Pattern) {
            for (head, values) in activation.by_head() {
                for (query, row) in values.chunks_exact(maps.tokens.len()).enumerate() {
                    for (key, weight) in row.iter().enumerate() {
                        let tokens = (&maps.tokens[query].text, &maps.tokens[key].text);
                        table.serialize((activation.layer, head, query, key, tokens, weight))?;
                    }
                }
            }
        }
        table.flush()
    })
}
