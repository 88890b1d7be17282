"""What Hugging Face transformers makes of the encoder–decoders that Sisun exports.

Reads fixtures/hf_pair_exports/NAME/, which a test of sisun-hf writes, and puts expected.safetensors beside each.

    SISUN_WRITE_EXPORTS=1 cargo test --release -p sisun-hf -p sisun-cli exports
    python tests/peers/reference_pair_exports.py

It fails where transformers warns and where a weight is missing or left over. Ids of targets are those of Sisun: in
the one vocabulary of a Pegasus they follow the source's.
"""

import json
from pathlib import Path

import safetensors.torch
import torch
import transformers
from reference_exports import Complaints
from reference_hf import versions

OUT = Path(__file__).parent / "fixtures" / "hf_pair_exports"


def compute(folder):
    complaints = Complaints()
    transformers.utils.logging.get_logger().addHandler(complaints)
    try:
        model, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        target_tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "target")
    finally:
        transformers.utils.logging.get_logger().removeHandler(complaints)
    left = {key: sorted(map(str, value)) for key, value in info.items() if value}
    assert not complaints.found, f"{folder.name}: {complaints.found}"
    assert not left, f"{folder.name}: {left}"
    model.eval()
    texts = json.loads((folder / "texts.json").read_text())
    begin = model.config.decoder_start_token_id
    # The first id of the target's tokenizer says how far its ids are moved.
    moved = min(target_tokenizer.get_vocab().values())
    inputs = tokenizer(texts["source"], return_tensors="pt")
    target = torch.tensor([[begin, *(token + moved for token in texts["target"])]])
    with torch.inference_mode():
        logits = model(**inputs, decoder_input_ids=target).logits[0]
        greedy = model.generate(**inputs)[0, 1:]
    return {
        "source": inputs.input_ids[0].float(),
        "logits": logits[:, moved:].clone(),
        "greedy": (greedy - moved).float(),
    }


def main():
    torch.set_num_threads(1)
    for folder in sorted(path for path in OUT.iterdir() if path.is_dir()):
        tensors = {name: tensor.contiguous() for name, tensor in compute(folder).items()}
        safetensors.torch.save_file(tensors, folder / "expected.safetensors", metadata={"versions": json.dumps(versions())})
        (folder / "expected.safetensors").chmod(0o644)
        print(f"{folder.name}: {json.loads((folder / 'config.json').read_text())['architectures'][0]}")


if __name__ == "__main__":
    main()
