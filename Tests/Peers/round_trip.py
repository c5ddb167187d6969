"""Proves that files written by Fathom mean the same to transformers and to llama.cpp.

    python Tests/Peers/round_trip.py --fathom .build/release/fathom --llama /path/to/llama.cpp/build/bin

needs `pip install torch transformers` and llama.cpp's `llama-simple`. For every architecture that both peers have, it
makes a small model with transformers, with fresh weights that are large enough for choices to be clear, and a vocabulary
of bytes. Then it compares greedy text of the same prompts:

    checkpoint                      transformers = fathom
    checkpoint -> GGUF              llama.cpp = fathom = transformers
    checkpoint -> GGUF -> checkpoint    transformers (and all tensors are the bits they were)

and prints a table; the exit code is 1 when two texts differ.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, decoders, trainers

PROMPTS = ["The quick brown fox", "def f(x):\n    return", "1 2 3 4", "Über die Straße"]
# Logits that differ by no more are a tie to whoever rounds keys and values to float16; logits spread over some tens.
TIE = 0.05
COMMON = dict(
    hidden_size=128, num_hidden_layers=2, num_attention_heads=4, intermediate_size=256, max_position_embeddings=256,
    initializer_range=0.2, rms_norm_eps=1e-6, bos_token_id=None, eos_token_id=0, tie_word_embeddings=False)
LATENT = dict(
    num_key_value_heads=4, kv_lora_rank=32, q_lora_rank=48, qk_rope_head_dim=16, qk_nope_head_dim=32, v_head_dim=32,
    n_routed_experts=4, num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=64, first_k_dense_replace=1)


def configurations(size):
    """One configuration for each architecture."""
    common = dict(COMMON, vocab_size=size)
    yield "llama", transformers.LlamaConfig(**common, num_key_value_heads=2)
    yield "llama, tied", transformers.LlamaConfig(**{**common, "tie_word_embeddings": True}, num_key_value_heads=4)
    yield "qwen2", transformers.Qwen2Config(**common, num_key_value_heads=2)
    yield "qwen3", transformers.Qwen3Config(**common, num_key_value_heads=2, head_dim=32)
    yield "deepseek_v2", transformers.DeepseekV2Config(
        **common, **LATENT, topk_method="greedy", norm_topk_prob=False, routed_scaling_factor=1.0)
    yield "deepseek_v3", transformers.DeepseekV3Config(
        **common, **LATENT, n_group=1, topk_group=1, norm_topk_prob=True, routed_scaling_factor=2.5)


def make_tokenizer():
    """A byte-level vocabulary with a few merges, and GPT-2's way of cutting."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([pathlib.Path(__file__).read_text()], trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


def make_model(name, configuration, tokenizer, directory):
    """A checkpoint of fresh weights, biases and norms included."""
    torch.manual_seed(7)
    model = transformers.AutoModelForCausalLM.from_config(configuration, dtype=torch.float32).eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)


def ask_transformers(directory, tokenizer, prompts, count):
    """The new tokens' text for each prompt, and how clear each choice was: for every token the text before it and by how
    much the two largest logits differ. The tokenizer is handed in: a class found by the model's type would cut texts in
    its own way, whatever tokenizer.json says."""
    model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    texts, margins = [], []
    for prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        with torch.no_grad():
            out = model.generate(
                ids, max_new_tokens=count, do_sample=False, pad_token_id=0, output_logits=True,
                return_dict_in_generate=True)
        new = out.sequences[0, ids.shape[1]:]
        texts.append(tokenizer.decode(new, skip_special_tokens=True))
        tops = [logits[0].topk(2).values for logits in out.logits]
        margins.append([(tokenizer.decode(new[:i]), float(top[0] - top[1])) for i, top in enumerate(tops)])
    return texts, margins


def run(command):
    result = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    if result.returncode:
        sys.exit(f"round_trip.py: {' '.join(command)}\n{result.stderr.decode(errors='replace')[-2000:]}")
    return result.stdout


def ask_fathom(fathom, model, prompts, count):
    def ask(prompt):
        out = run([fathom, "generate", str(model), "--prompt", prompt, "--max-tokens", str(count), "--temperature", "0",
                   "--json"])
        return json.loads(out)["text"]
    return [ask(prompt) for prompt in prompts]


def ask_llama(binary, model, prompts, count):
    """The program prints the prompt too, after a mark for the beginning where the vocabulary has one."""
    def ask(prompt):
        out = run([binary, "-m", str(model), "-n", str(count), prompt]).decode(errors="replace")
        return out.split(prompt, 1)[-1]
    return [ask(prompt) for prompt in prompts]


def same_tensors(one, other):
    """Whether two checkpoints hold the same bits under the same names."""
    from safetensors.torch import load_file
    def load(directory):
        tensors = {}
        for file in sorted(pathlib.Path(directory).glob("*.safetensors")):
            tensors.update(load_file(file))
        return tensors
    a, b = load(one), load(other)
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def plain(text):
    """Half a character is printed as U+FFFD or not at all, the byte 0 by nobody who prints with C, and llama.cpp ends its
    output with line breaks."""
    return text.replace("\ufffd", "").replace("\0", "").rstrip()


def verdict(texts, reference, margins):
    """"same", or "tie" where texts part at choices that were not clear: llama.cpp keeps keys and values in float16."""
    result = "same"
    for text, wanted, choices in zip(texts, reference, margins, strict=True):
        if plain(text) == plain(wanted):
            continue
        shared = [margin for before, margin in choices if plain(text).startswith(plain(before))]
        if not shared or min(shared[-2:]) > TIE:
            return "DIFFERENT"
        result = "tie"
    return result


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--fathom", default=".build/release/fathom")
    arguments.add_argument("--llama", required=True, help="the directory of llama-simple")
    arguments.add_argument("--tokens", type=int, default=24)
    given = arguments.parse_args()
    llama = os.path.join(given.llama, "llama-simple")
    transformers.utils.logging.set_verbosity_error()
    tokenizer = make_tokenizer()
    failures = 0
    for name, configuration in configurations(len(tokenizer)):
        with tempfile.TemporaryDirectory() as place:
            place = pathlib.Path(place)
            source, file, restored = place / "model", place / "model.gguf", place / "restored"
            make_model(name, configuration, tokenizer, source)
            run([given.fathom, "convert", str(source), str(file), "--type", "f32"])
            run([given.fathom, "convert", str(file), str(restored)])
            reference, margins = ask_transformers(source, tokenizer, PROMPTS, given.tokens)
            answers = {
                "fathom, checkpoint": ask_fathom(given.fathom, source, PROMPTS, given.tokens),
                "fathom, GGUF": ask_fathom(given.fathom, file, PROMPTS, given.tokens),
                "llama.cpp, GGUF": ask_llama(llama, file, PROMPTS, given.tokens),
                "transformers, restored": ask_transformers(restored, tokenizer, PROMPTS, given.tokens)[0],
            }
            results = {key: verdict(texts, reference, margins) for key, texts in answers.items()}
            results["tensors"] = "same" if same_tensors(source, restored) else "DIFFERENT"
            failures += sum(result == "DIFFERENT" for result in results.values())
            print(f"{name:12s} " + "  ".join(f"{key}: {result}" for key, result in results.items()), flush=True)
            for key, texts in answers.items():
                for prompt, text, wanted in zip(PROMPTS, texts, reference, strict=True):
                    if plain(text) != plain(wanted):
                        print(f"  {key}, {prompt!r}: {text!r}; transformers has {wanted!r}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
