//! Reading texts and comparing the places of a word in them.

use super::find::find_places;
use super::measure::measure;
use super::read::{Reading, Source};
use super::{AskedWord, Senses};
use crate::attention_maps::Token;
use crate::{InferError, LanguageModel, Translator};
use sisun_config::Seq2SeqConfig;
use sisun_seq2seq::Network;

impl LanguageModel {
    /// Read texts and compare the word's vectors in them.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`]; or if a text does not hold the word, or there are not two
    /// places.
    pub fn senses(&self, asked: &AskedWord, texts: &[String]) -> Result<Senses, InferError> {
        let tokens = |text: &String| self.tokens(text);
        let tokens: Vec<Vec<Token>> = texts.iter().map(tokens).collect::<Result<_, _>>()?;
        let places = find_places(asked, texts, &tokens)?;
        let longest = tokens.iter().map(Vec::len).max().unwrap_or(0);
        let readings = tokens.iter().map(|tokens| self.sense_reading(tokens));
        let readings: Vec<Reading> = readings.collect::<Result<_, _>>()?;
        let source = Source {
            model: self.title(),
            config: self.model.config(),
            blocks: &self.model.blocks,
            // Where a text's length changes the frequencies, equal tokens may have unequal vectors.
            prefix_decides: self.model.config().keys_stay(longest),
        };
        Ok(measure(&source, asked, texts, tokens, places, &readings))
    }
}

impl Translator {
    /// Read sources and compare the word's vectors in the encoder, as [`LanguageModel::senses`].
    ///
    /// # Errors
    /// As for [`Translator::attend`]; or if a source does not hold the word, there are not two
    /// places, or the encoder is recurrent.
    pub fn senses(&self, asked: &AskedWord, texts: &[String]) -> Result<Senses, InferError> {
        let (Network::Transformer(net), Seq2SeqConfig::Transformer(config)) =
            (&self.model.net, self.model.config())
        else {
            return Err(InferError::Lacks {
                what: "layers of attention in its encoder",
                why: "it is recurrent (seq2seq.kind); a run with seq2seq.kind = \"transformer\" has them",
            });
        };
        let config = config.encoder();
        let tokens = |text: &String| self.source_tokens(text);
        let tokens: Vec<Vec<Token>> = texts.iter().map(tokens).collect::<Result<_, _>>()?;
        let places = find_places(asked, texts, &tokens)?;
        let readings = tokens
            .iter()
            .map(|tokens| self.sense_reading(tokens, &config));
        let readings: Vec<Reading> = readings.collect();
        let source = Source {
            model: self.title(),
            config: &config,
            blocks: &net.encoder.blocks,
            prefix_decides: false,
        };
        Ok(measure(&source, asked, texts, tokens, places, &readings))
    }
}
