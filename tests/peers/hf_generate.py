"""Hugging Face's side of `sisun bench decode`: greedy generation with a KV cache, one sequence at a time.

    python hf_generate.py CONFIG [--repeats N] [--threads N] [--device cpu|cuda|mps]

Builds a GPT-2 of the configuration's shape with random weights, continues one token until the context is full, and prints
one JSON object, its last line: tokens per second of the median repeat. GPT-2's linear layers and norms always have biases;
they are a thousandth of the work.
"""

import argparse
import json
import statistics
import time

import torch
import transformers
from torch_train import peak_memory, read


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--repeats", type=int, default=5, help="generations that are timed, after one that is not")
    parser.add_argument("--context", type=int, help="instead of model.context_len")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()

    c, train = read(args.config, None, args.context)
    torch.set_num_threads(args.threads)
    torch.manual_seed(train.get("seed", 1337))
    torch.set_default_device(args.device)
    config = transformers.GPT2Config(
        vocab_size=c["vocab_size"],
        n_positions=c["context_len"],
        n_embd=c["d_model"],
        n_layer=c["n_layers"],
        n_head=c["n_heads"],
        n_inner=c["d_ff"],
        activation_function="gelu",  # by the error function; quicker here than GPT-2's own "gelu_new"
        layer_norm_epsilon=c.get("norm_eps", 1e-5),
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation="sdpa",
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    prompt = torch.zeros(1, 1, dtype=torch.long)
    new_tokens = c["context_len"] - 1
    settings = {"do_sample": False, "use_cache": True, "min_new_tokens": new_tokens, "max_new_tokens": new_tokens}

    seconds = []
    with torch.inference_mode():
        for _ in range(1 + args.repeats):
            start = time.perf_counter()
            ids = model.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
            ids[0, -1].item()  # waits for the device
            seconds.append(time.perf_counter() - start)
            assert ids.shape == (1, c["context_len"]), ids.shape
    median = statistics.median(seconds[1:])
    report = {
        "tokens_per_second": new_tokens / median,
        "new_tokens": new_tokens,
        "seconds": median,
        "peak_memory_bytes": peak_memory(),
        "parameters": model.num_parameters(),
        "threads": torch.get_num_threads(),
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
