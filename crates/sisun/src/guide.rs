//! The guide. Every block of Rust in it is compiled and run as a test.

#[doc = include_str!("../guide/first-model.md")]
pub mod first_model {}
#[doc = include_str!("../guide/settings.md")]
pub mod settings {}
#[doc = include_str!("../guide/run-directory.md")]
pub mod run_directory {}
#[doc = include_str!("../guide/attention-maps.md")]
pub mod attention_maps {}
#[doc = include_str!("../guide/explain.md")]
pub mod explain {}
#[doc = include_str!("../guide/model-in-a-page.md")]
pub mod model_in_a_page {}
// The first definition of a link counts: here the picture is in the page, in the repository it is a
// file beside the chapter.
#[doc = include_str!("../guide/bottleneck.md")]
#[doc = include_str!("../guide/sequence-to-sequence.md")]
pub mod sequence_to_sequence {}
#[doc = include_str!("../guide/notebooks.md")]
pub mod notebooks {}
#[doc = include_str!("../guide/interventions.md")]
pub mod interventions {}
#[doc = include_str!("../guide/worked-cases.md")]
pub mod worked_cases {}
#[doc = include_str!("../guide/predictions.md")]
pub mod predictions {}
#[doc = include_str!("../guide/position-encodings.md")]
pub mod position_encodings {}
#[doc = include_str!("../guide/same-word.md")]
pub mod same_word {}
#[doc = include_str!("../guide/not-a-number.md")]
pub mod not_a_number {}
#[doc = include_str!("../guide/comparing-encodings.md")]
pub mod comparing_encodings {}
#[doc = include_str!("../guide/hugging-face.md")]
pub mod hugging_face {}
#[doc = include_str!("../guide/adding-a-position.md")]
pub mod adding_a_position {}
#[doc = include_str!("../guide/adding-a-model-family.md")]
pub mod adding_a_model_family {}
#[doc = include_str!("../guide/devices.md")]
pub mod devices {}
#[doc = include_str!("../guide/cpu-kernels.md")]
pub mod cpu_kernels {}
