"""Holds `fathom tokenize FILE.gguf` against llama.cpp, vocabulary by vocabulary.

    pip install llama-cpp-python==0.3.36 gguf==0.17.1
    python compare_llama.py --fathom ../../../.build/release/fathom --count 2000 [FILE.gguf ...]

Without files, small vocabularies of every kind are made; llama.cpp's sources hold published ones as
models/ggml-vocab-*.gguf. Of each: ids of `count` texts with special tokens recognised, with the markers around them,
and with special tokens read as text where none of the vocabulary's is written out. Texts for which docs/tokenizers.md
names a reason to differ are counted apart. Where llama.cpp cuts otherwise than the published pattern of a name, the ids
are also held against those of the `tokenizers` package, without exceptions. `--more` adds names that share a pattern.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import llama_reference
import published_cuts


def run(arguments, lines):
    result = subprocess.run(arguments, input="\n".join(lines) + "\n", capture_output=True, text=True)
    if result.returncode != 0:
        return None, result.stderr.strip()
    return [json.loads(line) for line in result.stdout.split("\n") if line], None


def compare(path, published, arguments):
    reference = llama_reference.Reference(path, published)
    inputs = list(reference.texts(arguments.count, arguments.seed))
    plain = [text for text in inputs if not any(marker in text for marker in reference.markers)]
    wrong, total, known = 0, 0, 0
    if published is not None:
        wrong += compare_with_published(path, published, inputs, arguments)
    reasons = set()
    for what, some, flags, expected in [
        ("ids", inputs, [], [reference.ids(text) for text in inputs]),
        ("marked ids", inputs, ["--markers"], [reference.ids(text, add_bos=True) for text in inputs]),
        ("ids as text", plain, ["--no-special"], [reference.ids(text, special=False) for text in plain]),
    ]:
        found, problem = run([arguments.fathom, "tokenize", str(path), "--batch"] + flags, [json.dumps(t) for t in some])
        if found is None:
            print(f"{path.name}: {problem}", flush=True)
            return 1
        if len(found) != len(some):
            sys.exit(f"{path.name}: {len(found)} answers to {len(some)} questions")
        places = [i for i in range(len(some)) if found[i] != expected[i]]
        reasons.update(some[i] for i in places if some[i] not in reasons and reference.has_reason(some[i]))
        known += sum(some[i] in reasons for i in places)
        places = [i for i in places if some[i] not in reasons]
        for i in places[:arguments.show]:
            print(f"  {what} of {ascii(some[i])[:400]}:\n    found    {found[i]}\n    expected {expected[i]}")
        wrong, total = wrong + len(places), total + len(some)
    print(f"{path.name}: {total} texts, {known} with a reason to differ, {wrong} differences", flush=True)
    return wrong


def compare_with_published(path, published, inputs, arguments):
    """Every text, markers read as text and without exceptions, against the pattern that the name stands for."""
    found, problem = run(
        [arguments.fathom, "tokenize", str(path), "--batch", "--no-special"], [json.dumps(t) for t in inputs])
    if found is None:
        print(f"{path.name}: {problem}", flush=True)
        return 1
    expected = [published_cuts.ids(published, text) for text in inputs]
    places = [i for i in range(len(inputs)) if found[i] != expected[i]]
    for i in places[:arguments.show]:
        print(f"  published ids of {ascii(inputs[i])[:400]}:\n    found    {found[i]}\n    expected {expected[i]}")
    print(f"{path.name}: {len(inputs)} texts against the published pattern, {len(places)} differences", flush=True)
    return len(places)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fathom", required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=2)
    parser.add_argument("--more", action="store_true")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        ways = llama_reference.WAYS + (llama_reference.MORE_WAYS if arguments.more else [])
        files = [(path, None) for path in arguments.files] or llama_reference.write_all(directory, ways)
        wrong = sum(compare(path, published, arguments) for path, published in files)
    sys.exit(1 if wrong else 0)


main()
