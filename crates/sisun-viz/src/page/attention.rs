//! The page of attention maps.

use super::analysis::describe;
use super::colours::colours;
use super::encode::Blocks;
use super::html;
use super::live::{LiveError, LiveModel, ServedModel, WeightFormat};
use super::own::presets;
use super::thin::{MOST_WEIGHTS, weights};
use super::view::{Room, View, view};
use crate::analysis::{lens_details, lens_sheets, next_attribution_sheet};
use crate::units::Unit;
use serde::Serialize;
use serde_json::Value;
use sisun_infer::{CaptureSelection, InferError, Language, LanguageModel, LensOptions, LossRises};
use std::collections::BTreeMap;

/// Number of likely tokens that the lens lists for each layer and position.
const LISTED: usize = 5;

/// Maximum number of entries of the lens, and of cells of the attribution: about a megabyte.
const MOST_ANALYSED: usize = 40_000;
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
    /// What rows and columns stand for when the page is opened.
    unit: Unit,
    /// Show the first model's weights less the second's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    difference: bool,
    /// Sheets of the logit lens and of attribution, and the most likely tokens of each cell of the
    /// lens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sheets: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Vec<(String, f64)>>,
    /// The model itself, on a page that computes.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<LiveModel>,
    /// Examples of matrices that a reader can start from.
    presets: Vec<Value>,
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
            unit: Unit::Word,
            difference: false,
            sheets: Vec::new(),
            details: Vec::new(),
            model: None,
            presets: presets(),
        };
        let room = Room {
            weights: MOST_WEIGHTS / views.max(1),
            views: views.max(1),
            repeats: false,
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
        // Checkpoints of one run have the same settings.
        let room = Room {
            repeats: content.kind == Kind::Time && !content.views.is_empty(),
            ..*room
        };
        content.views.push(view(
            loaded,
            label,
            &content.text,
            looking,
            loss_rises,
            room,
            blocks,
        )?);
        Ok(())
    }

    /// Choose what rows and columns stand for when the page is opened: words, unless this is called,
    /// and tokens on a page that computes.
    pub fn open_by(&mut self, unit: Unit) {
        self.content.unit = unit;
    }

    /// Show the weights of the first of two models less those of the second as well. Both must have
    /// the same tokens, layers and heads.
    pub fn add_difference(&mut self) {
        self.content.difference = true;
    }

    /// Add what the logit lens reads after each layer, and what each part of the model adds to the
    /// logit of the token that follows; what does not fit, or does not exist of this model, is
    /// named in a note.
    ///
    /// # Errors
    /// As for [`LanguageModel::lens`] and [`LanguageModel::attribute_next`], except that a model
    /// whose residual stream is no sum has no attribution.
    pub fn add_analyses(&mut self, loaded: &LanguageModel) -> Result<(), InferError> {
        let text = self.content.text.clone();
        let config = loaded.model.config();
        let n = loaded.tokens(&text)?.len();
        let parts = config.n_layers * (config.n_heads + 2) + 3;
        let korean = self.content.language == Language::Korean.code();
        if n * parts.max(LISTED * (config.n_layers + 1)) > MOST_ANALYSED {
            self.note(match korean {
                true => "글이 길어 로짓 렌즈와 기여도는 담지 않았습니다. `sisun lens`와 `sisun attribute`로 볼 수 있습니다.".to_owned(),
                false => "The text is too long for the logit lens and the attribution on this page; `sisun lens` and `sisun attribute` show them.".to_owned(),
            });
            return Ok(());
        }
        let options = LensOptions {
            top: LISTED,
            ..LensOptions::default()
        };
        let lens = loaded.lens(&text, &options)?;
        let attribution = match loaded.attribute_next(&text) {
            Err(error @ InferError::NoSum { .. }) => {
                self.note(error.to_string());
                None
            }
            found => Some(found?).filter(|found| !found.of_model.is_empty()),
        };
        let sheets = lens_sheets(&lens).into_iter();
        let sheets = sheets.chain(attribution.as_ref().map(next_attribution_sheet));
        let Self {
            content, blocks, ..
        } = self;
        content.sheets = sheets.map(|sheet| describe(&sheet, blocks)).collect();
        content.details = lens_details(&lens);
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
        // What the reader edits are tokens.
        content.unit = Unit::Token;
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
        // What the reader edits there are tokens.
        self.content.unit = Unit::Token;
        self.content.model = Some(model);
        Ok(served)
    }

    /// Add a sentence to show on the page, in its language.
    pub fn note(&mut self, sentence: String) {
        self.content.notes.push(sentence);
    }

    /// Add a sentence that names the edits of the model, if there are some.
    pub fn note_edits(&mut self, edits: &[String]) {
        if edits.is_empty() {
            return;
        }
        let edits = edits.join("; ");
        self.note(match self.content.language == Language::Korean.code() {
            true => format!(
                "이 페이지의 숫자는 모델을 바꾸어 얻은 것입니다: {edits}. 바꾼 값은 단계별 계산에 들어가지 않을 수 있습니다."
            ),
            false => format!(
                "The numbers of this page are those of an edited model: {edits}. The steps of one query may not contain the edit."
            ),
        });
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
