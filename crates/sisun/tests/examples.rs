//! The examples run.

#[path = "../examples/ablate_head.rs"]
mod ablate_head;
#[path = "../examples/capture_attention.rs"]
mod capture_attention;
#[path = "../examples/load_gpt2.rs"]
mod load_gpt2;
#[path = "../examples/own_block.rs"]
mod own_block;
#[path = "../examples/train_from_scratch.rs"]
mod train_from_scratch;

#[test]
fn ablate_head_runs() {
    ablate_head::main().expect("the example runs");
}

#[test]
fn capture_attention_runs() {
    capture_attention::main().expect("the example runs");
}

#[test]
fn load_gpt2_runs() {
    load_gpt2::main().expect("the example runs");
}

#[test]
fn own_block_runs() {
    own_block::main().expect("the example runs");
}

#[test]
fn train_from_scratch_runs() {
    train_from_scratch::main().expect("the example runs");
}
