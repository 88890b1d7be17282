//! The option `--edit`.

use crate::given_text;
use anyhow::Result;
use sisun_infer::{Edits, LanguageModel, Reach, WrittenEdit};

/// Changes of activations.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct EditArgs {
    /// Change an activation in every pass of the model, as in "z 1.3 = zero" (may be repeated; the
    /// grammar is below)
    #[arg(long = "edit", value_name = "EDIT")]
    edits: Vec<WrittenEdit>,
}

/// The grammar of `--edit`, for the end of a command's help.
macro_rules! edit_grammar {
    () => {
        "

Edits: ACTIVATION LAYER.HEAD @POSITIONS = CHANGE
  ACTIVATION  embed, pos_embed, resid_pre, q, k, v, scores, pattern, z, attn_out, resid_mid,
              mlp_out, resid_post or logits
  LAYER.HEAD  numbers and ranges from 0, as in 1.3, 0,2.0-3 or *.3, or from the end, as in last.-2;
              what is left out means all
  @POSITIONS  tokens, as in @4, @0,2-3 or @last (of the prompt); of scores and pattern the queries,
              @QUERY:KEY one cell
  CHANGE      zero, NUMBER or scale NUMBER;
              mean 'TEXT' (over its positions), resample 'TEXT' (from random positions of it) or
              from 'TEXT' (from the same position); a name without quotes is a file;
              of a pattern also diagonal, first or previous (the only token attended to)
  @QUERY:KEY = NUMBER lets the other weights of the row keep their proportions: the row sums to 1.
  Rows that are set, scaled or zeroed need not."
    };
}
pub(crate) use edit_grammar;

impl EditArgs {
    /// Return true if there is an edit.
    pub(crate) fn given(&self) -> bool {
        !self.edits.is_empty()
    }

    /// Return the edits as they were written.
    pub(crate) fn written(&self) -> Vec<&str> {
        self.edits
            .iter()
            .map(|edit| edit.written.as_str())
            .collect()
    }

    /// Return the edits for a model and the texts it reads.
    ///
    /// # Errors
    /// If one does not suit the model or the text, or the file of another text cannot be read.
    pub(crate) fn of(&self, loaded: &LanguageModel, reach: Reach) -> Result<Edits> {
        let with_text = |edit: &WrittenEdit| -> Result<WrittenEdit> {
            Ok(match edit.file() {
                None => edit.clone(),
                Some(path) => {
                    let text = given_text::file("the text of --edit", path)?;
                    edit.clone().with_text(text)
                }
            })
        };
        let edits: Result<Vec<WrittenEdit>> = self.edits.iter().map(with_text).collect();
        Ok(loaded.edits(&edits?, reach)?)
    }
}
