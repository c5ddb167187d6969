"""Records the logits and greedy tokens that transformers computes for tiny random DeepSeek-V3 checkpoints.

Run with `pip install torch transformers safetensors numpy`, then `python make_parity_goldens.py` in this directory.
Writes parity/CASE/: config.json, model*.safetensors and reference.json with `tokens`, `logits` (one row per token)
and `greedy` (the tokens that follow when each is the likeliest). Each case changes one thing about the first.
"""
import json
import os
import shutil

import torch
import transformers

torch.set_num_threads(1)
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parity")
VOCABULARY, GREEDY = 64, 8
YARN = dict(
    rope_type="yarn", type="yarn", factor=8.0, beta_fast=32, beta_slow=1, mscale=1.0, mscale_all_dim=1.0,
    original_max_position_embeddings=32, rope_theta=10000.0)
# name: (what differs from the first case, prompt length, size of a shard)
CASES = {
    "v3": ({}, 28, "50KB"),
    "v3-noqlora": (dict(q_lora_rank=None), 28, "5GB"),
    "v3-yarn": (dict(rope_parameters=YARN), 50, "5GB"),  # longer than the context that yarn stretches
    "v3-1group": (dict(n_group=1, topk_group=1), 28, "5GB"),
    "v3-tied": (dict(tie_word_embeddings=True), 28, "5GB"),
}


def configuration(changes):
    settings = dict(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=24, moe_intermediate_size=5, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=4, n_shared_experts=1, n_routed_experts=8, num_experts_per_tok=3,
        n_group=4, topk_group=2, routed_scaling_factor=2.5, norm_topk_prob=True, q_lora_rank=12, kv_lora_rank=10,
        qk_nope_head_dim=6, qk_rope_head_dim=8, v_head_dim=5, first_k_dense_replace=1, max_position_embeddings=256,
        rope_interleave=True, num_nextn_predict_layers=0, attn_implementation="eager",
        experts_implementation="eager")
    return transformers.DeepseekV3Config(**{**settings, **changes})


def fill(model):
    """Weights large enough that every part of the model shows in the logits."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.uniform_(0.5, 1.5) if "norm" in name else p.normal_(0, 0.2)
        for name, b in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                b.normal_(0, 0.2)


def record(name, changes, length, shard, seed):
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(configuration(changes)).float().eval()
    fill(model)
    tokens = torch.randint(0, VOCABULARY, (1, length))
    with torch.no_grad():
        logits = model(tokens).logits[0]
        sequence, margins = tokens, []
        for _ in range(GREEDY):
            last = model(sequence).logits[0, -1]
            best = last.topk(2).values
            margins.append((best[0] - best[1]).item())
            sequence = torch.cat([sequence, last.argmax().reshape(1, 1)], 1)
    assert min(margins) > 1e-3, f"{name}: the two likeliest tokens are {min(margins)} apart, too near to compare"
    folder = os.path.join(OUT, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    model.save_pretrained(folder, max_shard_size=shard)
    extra = os.path.join(folder, "generation_config.json")
    if os.path.exists(extra):
        os.remove(extra)
    with open(os.path.join(folder, "reference.json"), "w") as file:
        rows = [[round(v, 6) for v in row] for row in logits.tolist()]
        json.dump(dict(tokens=tokens[0].tolist(), logits=rows, greedy=sequence[0, length:].tolist()), file)
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    print(name, size, logits.abs().max().item(), min(margins), sorted(os.listdir(folder)))


if __name__ == "__main__":
    for seed, (name, case) in enumerate(CASES.items()):
        record(name, *case, seed)
