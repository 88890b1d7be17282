//! Checking an edit against a model.

use super::{Change, Edit};
use crate::capture::Activation;
use sisun_config::{Ffn, ModelConfig, Position};

impl Activation {
    /// Return why a model has no such activation; `None` if it has.
    pub fn lacking(self, config: &ModelConfig) -> Option<&'static str> {
        match self {
            Self::PosEmbed
                if !matches!(config.position, Position::Learned | Position::Sinusoidal) =>
            {
                Some("positions are not added to the embeddings of this model (model.position)")
            }
            Self::ResidMid if config.parallel_residual => Some(
                "attention and the feed-forward network of this model are parallel, so that nothing lies between them (model.parallel_residual)",
            ),
            Self::ResidMid | Self::MlpOut if config.ffn == Ffn::None => {
                Some("this model has no feed-forward networks (model.ffn)")
            }
            _ => None,
        }
    }

    /// Return the number of layers that a model has of it: 1 if it belongs to the whole model.
    pub fn n_layers(self, config: &ModelConfig) -> usize {
        match self.is_of_a_layer() {
            true => config.n_layers,
            false => 1,
        }
    }

    /// Return the layer under which it is captured and edited if it belongs to the whole model.
    pub fn layer_of_the_model(self, config: &ModelConfig) -> Option<usize> {
        match self {
            Self::Embed | Self::PosEmbed => Some(0),
            Self::Logits => Some(config.n_layers),
            _ => None,
        }
    }

    /// Return the number of values of it at one position (of one head); `None` if it depends on the
    /// length of the text.
    pub fn width(self, config: &ModelConfig) -> Option<usize> {
        match self {
            Self::Scores | Self::Pattern => None,
            Self::Q | Self::K | Self::V | Self::Z => Some(config.d_head()),
            Self::Logits => config.vocab_size,
            _ => Some(config.d_model),
        }
    }
}

impl Edit {
    /// Check that a model has what the edit changes, and that the change suits it.
    ///
    /// # Errors
    /// The problem, with the remedy.
    pub fn check(&self, config: &ModelConfig) -> Result<(), String> {
        let name = self.activation;
        if let Some(reason) = name.lacking(config) {
            return Err(format!("there is no {name}: {reason}"));
        }
        let layer = name.layer_of_the_model(config);
        if layer.map_or(self.layer >= config.n_layers, |layer| self.layer != layer) {
            return Err(format!(
                "there is no {name} of layer {}: the model has layers 0 to {}",
                self.layer,
                config.n_layers - 1
            ));
        }
        self.check_heads(config)?;
        self.check_change(config)
    }

    fn check_heads(&self, config: &ModelConfig) -> Result<(), String> {
        let (name, Some(heads)) = (self.activation, &self.heads) else {
            return Ok(());
        };
        if !name.is_per_head() {
            return Err(format!(
                "{name} has no heads: name its layer only, or choose from {}",
                Activation::PER_HEAD.map(|name| name.to_string()).join(", ")
            ));
        }
        if let Some(head) = heads.iter().find(|head| **head >= config.n_heads) {
            return Err(format!(
                "there is no head {head}: the model has heads 0 to {}",
                config.n_heads - 1
            ));
        }
        let group = config.n_heads / config.kv_heads();
        if group > 1 && matches!(name, Activation::K | Activation::V) {
            let lacks = |head: &usize| {
                let first = head / group * group;
                (first..first + group).find(|member| !heads.contains(member))
            };
            if let Some(head) = heads.iter().find(|head| lacks(head).is_some()) {
                let first = head / group * group;
                return Err(format!(
                    "head {head} shares its {name} with others (model.n_kv_heads): name all of them, {first}-{}",
                    first + group - 1
                ));
            }
        }
        Ok(())
    }

    fn check_change(&self, config: &ModelConfig) -> Result<(), String> {
        let name = self.activation;
        let positions = self.positions.as_ref().map(Vec::len);
        let heads = match (name.is_per_head(), &self.heads) {
            (false, _) => 1,
            (true, Some(heads)) => heads.len(),
            (true, None) => config.n_heads,
        };
        match &self.change {
            Change::Replace(values) | Change::Add(values) => {
                let [_, of_heads, of_positions, width] = values.dims();
                let fits = (of_heads == 1 || of_heads == heads)
                    && (of_positions == 1 || positions.is_none_or(|n| n == of_positions))
                    && name.width(config).is_none_or(|needed| needed == width);
                match fits {
                    true => Ok(()),
                    false => Err(format!(
                        "values of the shape {:?} do not fit {name}",
                        values.dims()
                    )),
                }
            }
            Change::Key { value, .. } => match name {
                Activation::Scores => Ok(()),
                Activation::Pattern if (0.0..=1.0).contains(value) => Ok(()),
                Activation::Pattern => Err(format!("a weight is from 0 to 1, and {value} is not")),
                _ => Err(format!("{name} has no keys: only scores and pattern have")),
            },
            Change::Only(_) if name != Activation::Pattern => Err(format!(
                "only a pattern can be made diagonal, first or previous, and {name} is none"
            )),
            Change::Zero | Change::Set(_) | Change::Scale(_) | Change::Only(_) => Ok(()),
        }
    }
}
