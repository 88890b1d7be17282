//! Attention without the `[query, key]` tensor (Dao et al. 2022): a thread for each query, which
//! reads the keys and values in tiles that its cube shares, and for the gradients of keys and
//! values a thread for each key, which reads the queries in the same way.

mod backward;
mod bias;
mod call;
mod decode;
mod forward;
mod layout;
mod saved;

pub(super) use call::AttentionCall;
pub(super) use decode::result;
pub(super) use forward::forward;
pub(super) use saved::{AttentionSaved, CrossAttentionSaved, SelfAttentionSaved};
