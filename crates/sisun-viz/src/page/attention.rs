//! The page of attention maps.

use super::colours::colours;
use super::encode::Blocks;
use super::html;
use super::live::{LiveError, LiveModel, ServedModel, WeightFormat};
use super::thin::{MOST_WEIGHTS, weights};
use super::view::{Room, View, view};
use serde::Serialize;
use sisun_infer::{CaptureSelection, InferError, Language, LanguageModel, LossRises};
use std::collections::BTreeMap;

/// Largest number of parameters of a served model whose attention to repeated random text is
/// measured.
const MOST_MEASURED: usize = 50_000_000;

/// Relation between the views of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One model.
    Model,
    /// Checkpoints of one training run, in order.
    Time,
    /// Several runs.
    Variants,
}

/// A page under construction.
#[derive(Debug)]
pub struct Page {
    content: Content,
    looking: CaptureSelection,
    room: Room,
    blocks: Blocks,
}

/// JSON object that describes a page.
#[derive(Debug, Serialize)]
struct Content {
    version: u32,
    kind: Kind,
    language: &'static str,
    title: String,
    text: String,
    notes: Vec<String>,
    /// 256 colours of three bytes each, as base64.
    colours: BTreeMap<String, String>,
    views: Vec<View>,
    /// The model itself, on a page that computes.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<LiveModel>,
}

impl Page {
    /// Create a page about a text, shared by `views` models. Only layers and heads of `looking` are
    /// used.
    pub fn new(
        kind: Kind,
        title: &str,
        text: &str,
        looking: &CaptureSelection,
        language: Language,
        views: usize,
    ) -> Self {
        let content = Content {
            version: 1,
            kind,
            language: language.code(),
            title: title.to_owned(),
            text: text.to_owned(),
            notes: Vec::new(),
            colours: colours(),
            views: Vec::new(),
            model: None,
        };
        let room = Room {
            weights: MOST_WEIGHTS / views.max(1),
            views: views.max(1),
            repetition: true,
        };
        Self {
            content,
            looking: looking.clone(),
            room,
            blocks: Blocks::default(),
        }
    }

    /// Return the number of a model's checkpoints, at least two, that fit on one page without
    /// thinning the patterns of this text.
    ///
    /// # Errors
    /// If the text or the selected layers and heads are invalid.
    pub fn checkpoints_that_fit(
        loaded: &LanguageModel,
        text: &str,
        looking: &CaptureSelection,
    ) -> Result<usize, InferError> {
        let config = loaded.model.config();
        let (layers, heads) = looking.of(config)?;
        let n = loaded.tokens(text)?.len();
        let each = weights(n, config.causal) * layers.len() * heads.len();
        Ok((MOST_WEIGHTS / each.max(1)).max(2))
    }

    /// Add the activations of the text in a model. `label` distinguishes the models of the page.
    /// `loss_rises` holds the measured increase of the loss on other text without each head.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`].
    pub fn add(
        &mut self,
        loaded: &LanguageModel,
        label: String,
        loss_rises: Option<&LossRises>,
    ) -> Result<(), InferError> {
        let Self {
            content,
            looking,
            room,
            blocks,
        } = self;
        content.views.push(view(
            loaded,
            label,
            &content.text,
            looking,
            loss_rises,
            *room,
            blocks,
        )?);
        Ok(())
    }

    /// Put a model into the page, which then computes other texts. Without a `format` its size
    /// decides. Return the format.
    ///
    /// # Errors
    /// If the model is too large, the page cannot encode text as its tokenizer does, or the text is
    /// too long.
    pub fn add_model(
        &mut self,
        loaded: &LanguageModel,
        format: Option<WeightFormat>,
    ) -> Result<WeightFormat, LiveError> {
        let Self {
            content, blocks, ..
        } = self;
        let (model, format) = LiveModel::new(loaded, &content.text, format, blocks)?;
        content.model = Some(model);
        Ok(format)
    }

    /// Make this the page of a model that a server computes, and return what answers its requests.
    /// Attention to repeated random text is not measured for large models: it would take longer
    /// than everything else.
    ///
    /// # Errors
    /// If the page cannot encode text as the model's tokenizer does, or the text is too long.
    pub fn serve_model(&mut self, loaded: &LanguageModel) -> Result<ServedModel, LiveError> {
        let (model, served) = LiveModel::served(loaded, &self.content.text, &mut self.blocks)?;
        self.room.repetition = model.parameters <= MOST_MEASURED;
        self.content.model = Some(model);
        Ok(served)
    }

    /// Add a sentence to show on the page, in its language.
    pub fn note(&mut self, sentence: String) {
        self.content.notes.push(sentence);
    }

    /// Return the page as HTML.
    pub fn html(mut self) -> String {
        for sentence in self.sentences() {
            self.note(sentence);
        }
        let Content {
            language, title, ..
        } = &self.content;
        let data = serde_json::to_string(&self.content)
            .expect("plain structs of numbers and strings always serialise");
        let parts = match &self.content.model {
            Some(model) if model.served => html::SERVED,
            Some(_) => html::LIVE,
            None => html::ATTENTION,
        };
        html::join(parts, language, title, &data, self.blocks.iter())
    }

    /// Return sentences about omitted data.
    fn sentences(&self) -> Vec<String> {
        let korean = self.content.language == Language::Korean.code();
        let mut sentences = Vec::new();
        if let Some((view, cell)) = self
            .content
            .views
            .iter()
            .find_map(|view| Some((view, view.thinned?)))
        {
            let n = view.tokens.len();
            sentences.push(if korean {
                format!("토큰이 {n}개라서 한 칸이 이어지는 토큰 {cell}개를 나타냅니다(쿼리는 평균, 키는 합).")
            } else {
                format!(
                    "The text has {n} tokens: one cell stands for {cell} tokens in a row (mean over queries, sum over keys)."
                )
            });
        }
        let short = |view: &&View| {
            view.vectors.as_ref().map_or(0, |vectors| vectors.tokens) < view.tokens.len()
        };
        if let Some(view) = self.content.views.iter().find(short) {
            let kept = view.vectors.as_ref().map_or(0, |vectors| vectors.tokens);
            sentences.push(if kept == 0 && korean {
                "q, k, v는 이 페이지에 담기에 너무 큽니다. `sisun explain`으로 쿼리를 풀어 볼 수 있습니다.".to_owned()
            } else if kept == 0 {
                "q, k and v do not fit on this page; `sisun explain` works a query through.".to_owned()
            } else if korean {
                format!("q, k, v는 처음 {kept}개 토큰만 담았습니다. 그 뒤의 쿼리는 `sisun explain`으로 풀어 볼 수 있습니다.")
            } else {
                format!(
                    "q, k and v are on this page for the first {kept} tokens; `sisun explain` works later queries through."
                )
            });
        }
        if self.content.views.iter().any(View::has_no_numbers) {
            sentences.push(if korean {
                "수가 아닌 값(NaN)이 있습니다. 학습이 발산한 모델이며, 그런 칸은 0으로 보입니다."
                    .to_owned()
            } else {
                "Some of these are no numbers (NaN): the model has diverged; such cells show 0."
                    .to_owned()
            });
        }
        sentences
    }
}
