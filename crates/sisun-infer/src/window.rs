//! The context window of a model: at most `context_len` tokens, with cached keys and values.

use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_kernels::keep_awake;
use sisun_model::{Capture, Edit, KvCache, Pass, Transformer};

/// The tokens visible to the model during generation.
///
/// Beyond `context_len`, all position variants follow the same rule: when the window is full, its
/// older half is dropped and the rest is read again from position 0. The model thus never sees a
/// sequence longer than in training, and the logits always equal those of a full forward pass over
/// the window.
///
/// Without a causal mask a new token changes the keys and values of earlier tokens, so nothing is
/// cached: the whole window is read again for every token.
#[derive(Debug)]
pub struct ContextWindow<'m> {
    model: &'m Transformer,
    cache: KvCache,
    tokens: Vec<u32>,
    /// Number of tokens of the text before those in the window.
    dropped: usize,
    /// Edits of the text.
    edits: &'m [Edit],
    /// Those of the tokens in the window.
    shown: Vec<Edit>,
}

impl<'m> ContextWindow<'m> {
    /// Run `f` with an empty window. On the CPU the worker threads are kept awake between tokens;
    /// on other devices they would only get in the way.
    pub fn with<R>(model: &'m Transformer, f: impl FnOnce(ContextWindow<'m>) -> R) -> R {
        let run = || f(Self::new(model));
        if model.device() == Device::flex() {
            keep_awake(run)
        } else {
            run()
        }
    }

    /// Create an empty window.
    pub fn new(model: &'m Transformer) -> Self {
        Self {
            model,
            cache: KvCache::new(),
            tokens: Vec::new(),
            dropped: 0,
            edits: &[],
            shown: Vec::new(),
        }
    }

    /// Return the window with these edits in each pass. Their positions count from the beginning of
    /// the text, whose older tokens may leave the window.
    #[must_use]
    pub fn editing(self, edits: &'m [Edit]) -> Self {
        Self {
            edits,
            shown: edits.to_vec(),
            ..self
        }
    }

    /// Return the tokens in the window.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Read more tokens and return the logits of the next token. If `new` exceeds `context_len`,
    /// only its last tokens are read.
    ///
    /// # Panics
    /// If `new` is empty.
    pub fn read(&mut self, new: &[u32]) -> Vec<f32> {
        self.read_capturing(new, None)
    }

    /// Read as [`ContextWindow::read`], and capture activations.
    pub(crate) fn read_capturing(
        &mut self,
        new: &[u32],
        capture: Option<&mut Capture>,
    ) -> Vec<f32> {
        assert!(!new.is_empty(), "logits follow a token");
        let context_len = self.model.config().context_len;
        let fits = self.tokens.len() + new.len() <= context_len;
        let len = self.tokens.len() + new.len();
        let unread = if fits && self.model.config().keys_stay(len) {
            new.to_vec()
        } else {
            let mut all = std::mem::take(&mut self.tokens);
            self.cache = KvCache::new();
            let keep = if fits {
                all.len() + new.len()
            } else if new.len() >= context_len {
                context_len
            } else {
                (context_len / 2).max(new.len())
            };
            all.extend_from_slice(new);
            self.dropped += all.len() - keep;
            let shown = |edit: &Edit| edit.without_first(self.dropped);
            self.shown = self.edits.iter().filter_map(shown).collect();
            all.split_off(all.len() - keep)
        };
        self.tokens.extend_from_slice(&unread);
        let ids: Vec<i32> = unread.iter().map(|&id| id as i32).collect();
        let shape = [1, ids.len()];
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &self.model.device());
        let (model, cache) = (self.model, &mut self.cache);
        let logits = model.forward_last(
            ids,
            Pass {
                capture,
                edits: &self.shown,
                ..Pass::cached(cache)
            },
        );
        logits
            .try_into_vec_as::<f32>()
            .expect("a float tensor that was computed can be read as f32")
    }
}
