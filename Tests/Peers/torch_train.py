"""Trains the model of `fathom bench train` with torch and transformers, and times its steps.

Run with `pip install torch transformers`. `fathom bench train --against PYTHON` starts it; alone it is

    python torch_train.py "$(cat config.json)" --batch 16 --length 256 --threads 2 --steps 10

The model is transformers' own DeepseekV3ForCausalLM, freshly initialised, float32, in training mode; with --precision
bf16 the forward pass and the loss run under torch.autocast in bfloat16. A timed step is
forward with the cross-entropy of every position, backward, clipping to norm 1 and AdamW, on tokens that were drawn
before the clock starts. Where the libraries offer several ways to do the same arithmetic, all are timed first and the
fastest is kept: the experts' products, the attention, and the form of AdamW. What the libraries take by themselves is
timed as well, as "usual_tokens_per_second": the median of some steps, before anything else.

Prints JSON lines: first what was chosen, then one line {"seconds": [...]} per round. A round is asked for by its number
of steps on a line of standard input, or once by --steps; it begins with a step that is not timed.

"peak_resident_bytes" is the largest resident size of this process so far, as Linux counts it. Trying forms needs memory
too, so who wants to know that of one form starts a process with --experts, --attention and --adamw.
"""
import argparse
import itertools
import json
import math
import statistics
import sys
import time

import torch
import transformers

# The experts' third implementation, batched_mm, copies a matrix per token and choice: gigabytes at these sizes. It is
# meant for decoding.
CHOICES = {"experts": ["grouped_mm", "eager"], "attention": ["sdpa", "eager"], "adamw": ["fused", "foreach"]}
# What the libraries take when nobody says anything; "loop" is AdamW over one tensor after another.
USUAL = {"experts": "grouped_mm", "attention": "sdpa", "adamw": "loop"}


class Trainer:
    """A model, its optimizer, and one step of both."""

    def __init__(self, configuration, batch, length, precision):
        self.batch, self.length, self.precision = batch, length, precision
        torch.manual_seed(0)
        config = transformers.DeepseekV3Config.from_dict(configuration)
        self.model = transformers.DeepseekV3ForCausalLM(config).float().train()
        self.choice = {name: forms[0] for name, forms in CHOICES.items()}
        self.use(self.choice)

    def use(self, choice):
        self.choice = choice
        self.model.set_attn_implementation(choice["attention"])
        self.model.set_experts_implementation(choice["experts"])
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.1},
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]
        form = {} if choice["adamw"] == "loop" else {choice["adamw"]: True}
        self.optimizer = torch.optim.AdamW(groups, lr=3e-4, betas=(0.9, 0.95), eps=1e-8, **form)

    def step(self):
        """Seconds of one step."""
        tokens = torch.randint(self.model.config.vocab_size, (self.batch, self.length + 1))
        inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
        began = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.precision == "bf16"):
            loss = self.model(input_ids=inputs, labels=targets, shift_labels=targets, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        value = loss.item()
        seconds = time.perf_counter() - began
        if not math.isfinite(value):
            sys.exit(f"torch_train.py: the loss is {value}; a finite number was expected")
        return seconds

    def timed(self, steps):
        """Seconds of each of some steps, after one that is not timed."""
        self.step()
        return [self.step() for _ in range(steps)]

    def best(self, steps):
        """Seconds of the fastest of some steps; endless for a form that this precision does not have."""
        try:
            return min(self.timed(steps))
        except (RuntimeError, NotImplementedError) as error:
            print(f"torch_train.py: {self.choice}: {error}", file=sys.stderr)
            return math.inf

    def usual(self, steps=6):
        """Tokens per second at the median step of what the libraries take by themselves; none where it fails."""
        self.use(USUAL)
        try:
            return self.batch * self.length / statistics.median(self.timed(steps))
        except (RuntimeError, NotImplementedError) as error:
            print(f"torch_train.py: {self.choice}: {error}", file=sys.stderr)
            return None
        finally:
            self.use({name: forms[0] for name, forms in CHOICES.items()})

    def choose(self, steps=3):
        """Keeps, one kind of work after another, the form whose best step is the fastest."""
        best, fastest = self.best(steps), dict(self.choice)
        for name, forms in CHOICES.items():
            for form in forms[1:]:
                self.use({**fastest, name: form})
                seconds = self.best(steps)
                if seconds < best:
                    best, fastest = seconds, dict(self.choice)
        self.use(fastest)
        self.timed(1)


def peak_resident_bytes():
    """VmHWM: it begins with this process, while ru_maxrss begins at the size of whoever started it."""
    try:
        with open("/proc/self/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")), None)
    except OSError:
        return None


def say(**line):
    print(json.dumps(line), flush=True)


def main():
    arguments = argparse.ArgumentParser(description="Times training steps of torch and transformers.")
    arguments.add_argument("configuration", help="the text of a config.json")
    arguments.add_argument("--batch", type=int, default=16, help="rows of a step")
    arguments.add_argument("--length", type=int, default=256, help="tokens of a row")
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments.add_argument("--precision", choices=["float32", "bf16"], default="float32")
    arguments.add_argument("--steps", type=int, help="one round of so many steps; without it rounds come from stdin")
    for name, forms in CHOICES.items():
        arguments.add_argument(f"--{name}", choices=forms, help="this form; without all three, they are tried")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    trainer = Trainer(json.loads(given.configuration), given.batch, given.length, given.precision)
    choice, usual = {name: getattr(given, name) for name in CHOICES}, None
    if all(choice.values()):
        trainer.use(choice)
    else:
        usual = trainer.usual()
        trainer.choose()
    say(
        torch=torch.__version__, transformers=transformers.__version__, threads=torch.get_num_threads(),
        precision=given.precision, usual_tokens_per_second=usual,
        parameters=sum(p.numel() for p in trainer.model.parameters()), **trainer.choice)
    for line in [given.steps] if given.steps else itertools.takewhile(str.strip, sys.stdin):
        seconds = trainer.timed(int(line))
        rate = given.batch * given.length / statistics.median(seconds)
        say(seconds=seconds, tokens_per_second=rate, peak_resident_bytes=peak_resident_bytes())


if __name__ == "__main__":
    main()
