//! `attention.csv`.

use std::path::Path;

use sisun_infer::{AttentionMaps, AttentionPart, Weighting};
use sisun_model::Activation;

use super::MapsError;

/// Write the patterns as `layer,head,query,key,query_token,key_token,weight`, one row for each
/// cell (`value_weighted` in place of `weight` if they are weighted by values); with a known alignment, also `aligned`, which is 1 or 0.
pub(super) fn write(maps: &AttentionMaps, path: &Path) -> Result<(), MapsError> {
    sisun_files::write_atomic_with(path, |out| {
        let mut table = csv::WriterBuilder::new()
            .has_headers(false)
            .from_writer(out);
        let mut names = vec![
            "layer",
            "head",
            "query",
            "key",
            "query_token",
            "key_token",
            match maps.weighting {
                Weighting::Attention => "weight",
                Weighting::Values => "value_weighted",
            },
        ];
        let alignment = match &maps.part {
            AttentionPart::Cross(keys) => keys.alignment.as_ref(),
            _ => None,
        };
        names.extend(alignment.map(|_| "aligned"));
        table.write_record(names)?;
        let keys = maps.key_tokens();
        for activation in maps.of(Activation::Pattern) {
            for (head, values) in activation.by_head() {
                for (query, row) in values.chunks_exact(keys.len()).enumerate() {
                    for (key, weight) in row.iter().enumerate() {
                        let tokens = (&maps.tokens[query].plain, &keys[key].plain);
                        let aligned =
                            alignment.map(|links| u8::from(links.contains(&(query, key))));
                        let row = (activation.layer, head, query, key, tokens, weight);
                        match aligned {
                            Some(aligned) => table.serialize((row, aligned))?,
                            None => table.serialize(row)?,
                        }
                    }
                }
            }
        }
        table.flush()
    })?;
    Ok(())
}
