"""Samples from the model of `fathom bench rollout` with torch and transformers, and times its rollouts.

Run with `pip install torch transformers`. `fathom bench rollout --against PYTHON` starts it; alone it is

    python torch_rollout.py "$(cat config.json)" --prompts 16 --group 8 --prompt-length 30 --lengths 140,90,... \\
        --threads 2 --rollouts 3

The model is transformers' own DeepseekV3ForCausalLM, freshly initialised, float32, in inference mode. A timed rollout
reads every prompt once, repeats its cache for the answers of its group, and samples answers of given lengths at
temperature 1 with their log-probabilities, all answers in one batch. Prompts have one length, so nothing is padded, and
answers that have ended leave the batch as soon as an eighth of it has. `generate` would carry them to the end. Where
there are several ways to do the same arithmetic, all are timed first and the fastest is kept: the experts' products, the
attention, and what the cache holds. transformers' own cache holds latents and expands all of them at every step; the
other form holds the expanded keys and values.

Prints JSON lines: first what was chosen, then one line {"seconds": [...]} per round. A round is asked for by its number
of rollouts on a line of standard input, or once by --rollouts; it begins with one that is not timed.
"""
import argparse
import itertools
import json
import sys
import time

try:
    import torch
    import transformers
    from transformers.models.deepseek_v3 import modeling_deepseek_v3 as deepseek
except ImportError as error:
    print(json.dumps({"error": f"{error}; `pip install torch transformers` brings both"}), flush=True)
    sys.exit(1)

CHOICES = {
    "cache": ["latent", "expanded"],
    "experts": ["grouped_mm", "batched_mm", "eager"],
    "attention": ["sdpa", "eager"],
}
own_forward = deepseek.DeepseekV3Attention.forward


class ExpandedCache:
    """A cache that hands latents through, so that what is kept can be the expanded keys and values."""

    def __init__(self, cache):
        self.cache = cache

    def update(self, latent, rotary, layer):
        return latent, rotary


def forward_expanded(self, hidden_states, position_embeddings, attention_mask, past_key_values=None, **kwargs):
    """DeepseekV3Attention.forward, with the cache behind the expansion instead of before it."""
    if past_key_values is None:
        return own_forward(self, hidden_states, position_embeddings, attention_mask, None, **kwargs)
    expand = type(self).expand_kv

    def expand_and_keep(latent, rotary):
        return past_key_values.update(*expand(self, latent, rotary), self.layer_idx)

    self.expand_kv = expand_and_keep
    try:
        return own_forward(
            self, hidden_states, position_embeddings, attention_mask, ExpandedCache(past_key_values), **kwargs)
    finally:
        del self.expand_kv


class Sampler:
    """A model, and rollouts of it."""

    def __init__(self, configuration, prompts, group, prompt_length, lengths):
        self.group, self.lengths = group, torch.tensor(lengths)
        torch.manual_seed(0)
        config = transformers.DeepseekV3Config.from_dict(configuration)
        self.model = transformers.DeepseekV3ForCausalLM(config).float().eval()
        self.prompts = torch.randint(config.vocab_size, (prompts, prompt_length))
        self.choice = {name: forms[0] for name, forms in CHOICES.items()}
        self.use(self.choice)

    def use(self, choice):
        self.choice = choice
        self.model.set_attn_implementation(choice["attention"])
        self.model.set_experts_implementation(choice["experts"])
        deepseek.DeepseekV3Attention.forward = own_forward if choice["cache"] == "latent" else forward_expanded

    @torch.inference_mode()
    def rollout(self):
        """Seconds of one rollout."""
        began = time.perf_counter()
        cache = transformers.DynamicCache()
        logits = self.model(self.prompts, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]
        cache.batch_repeat_interleave(self.group)
        logits = logits.repeat_interleave(self.group, 0)
        rows = torch.arange(len(self.lengths))
        tokens = torch.zeros(len(rows), int(self.lengths.max()), dtype=torch.long)
        scores = torch.zeros(tokens.shape)
        for position in range(tokens.shape[1]):
            logp = torch.log_softmax(logits, -1)
            drawn = torch.multinomial(logp.exp(), 1)
            tokens[rows, position] = drawn[:, 0]
            scores[rows, position] = logp.gather(1, drawn)[:, 0]
            alive = self.lengths[rows] > position + 1
            count = int(alive.sum())
            if count == 0:
                break
            if count <= len(rows) * 7 // 8:
                kept = alive.nonzero()[:, 0]
                rows, drawn = rows[kept], drawn[kept]
                cache.batch_select_indices(kept)
            logits = self.model(drawn, past_key_values=cache, use_cache=True).logits[:, -1]
        return time.perf_counter() - began

    def timed(self, rollouts):
        """Seconds of each of some rollouts, after one that is not timed."""
        self.rollout()
        return [self.rollout() for _ in range(rollouts)]

    def choose(self):
        """Keeps, one kind of work after another, the form whose rollout is the fastest."""
        best, fastest = min(self.timed(1)), dict(self.choice)
        for name, forms in CHOICES.items():
            for form in forms[1:]:
                self.use({**fastest, name: form})
                seconds = min(self.timed(1))
                if seconds < best:
                    best, fastest = seconds, dict(self.choice)
        self.use(fastest)


def say(**line):
    print(json.dumps(line), flush=True)


def main():
    arguments = argparse.ArgumentParser(description="Times rollouts of torch and transformers.")
    arguments.add_argument("configuration", help="the text of a config.json")
    arguments.add_argument("--prompts", type=int, default=16, help="different prompts of a rollout")
    arguments.add_argument("--group", type=int, default=8, help="answers to each prompt")
    arguments.add_argument("--prompt-length", type=int, default=30, help="tokens of a prompt")
    arguments.add_argument("--lengths", required=True, help="tokens of each answer, with commas between them")
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments.add_argument("--rollouts", type=int, help="one round of so many; without it rounds come from stdin")
    given = arguments.parse_args()
    lengths = [int(length) for length in given.lengths.split(",")]
    if len(lengths) != given.prompts * given.group or min(lengths) < 1:
        sys.exit(f"torch_rollout.py: {len(lengths)} lengths for {given.prompts} × {given.group} answers of 1 or more")
    torch.set_num_threads(given.threads)
    sampler = Sampler(
        json.loads(given.configuration), given.prompts, given.group, given.prompt_length, lengths)
    sampler.choose()
    say(
        torch=torch.__version__, transformers=transformers.__version__, threads=torch.get_num_threads(),
        parameters=sum(p.numel() for p in sampler.model.parameters()), **sampler.choice)
    for line in [given.rollouts] if given.rollouts else itertools.takewhile(str.strip, sys.stdin):
        seconds = sampler.timed(int(line))
        say(seconds=seconds, tokens_per_second=sum(lengths) / min(seconds))


if __name__ == "__main__":
    main()
