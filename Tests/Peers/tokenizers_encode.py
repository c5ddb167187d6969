"""Encodes the texts of `fathom bench tokenizer` with the `tokenizers` package, and times it.

Run with `pip install tokenizers`. `fathom bench tokenizer --against PYTHON` starts it; alone it is

    python tokenizers_encode.py tokenizer.json --text texts.txt --threads 2 --rounds 3

Texts are separated by NUL bytes; a file without any is cut behind the line end that follows every 4096 bytes. Only the
call that encodes the whole batch is timed: ids stay inside the package and no list of Python is made of them. Of
`encode_batch` and `encode_batch_fast` (without places in the text) the faster one on a part of the texts is taken.

Prints JSON lines: first what was chosen, then one line {"seconds": [...]} per round. A round is asked for by its number
of runs on a line of standard input, or once by --rounds.
"""
import argparse
import json
import os
import sys
import time

PIECE = 4096


def texts(path):
    with open(path, "rb") as file:
        whole = file.read()
    if b"\0" in whole:
        return [part.decode("utf-8") for part in whole.split(b"\0") if part]
    parts, start = [], 0
    while start < len(whole):
        end = whole.find(b"\n", start + PIECE - 1)
        end = len(whole) if end < 0 else end + 1
        parts.append(whole[start:end].decode("utf-8"))
        start = end
    return parts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tokenizer")
    parser.add_argument("--text", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=0)
    arguments = parser.parse_args()
    # Read when the package is first used.
    os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false" if arguments.threads == 1 else "true"
    try:
        import tokenizers
    except ImportError as error:
        print(json.dumps({"error": f"{error}; `pip install tokenizers` brings it"}), flush=True)
        sys.exit(1)
    tokenizer = tokenizers.Tokenizer.from_file(arguments.tokenizer)
    inputs = texts(arguments.text)

    def timed(call, some):
        began = time.perf_counter()
        encodings = getattr(tokenizer, call)(some, add_special_tokens=False)
        return time.perf_counter() - began, encodings

    few = inputs[:max(1, len(inputs) // 10)]
    calls = [name for name in ("encode_batch", "encode_batch_fast") if hasattr(tokenizer, name)]
    for name in calls:
        timed(name, few)
    best = min(calls, key=lambda name: min(timed(name, few)[0] for _ in range(2)))
    tokens = sum(len(encoding) for encoding in timed(best, inputs)[1])
    print(json.dumps({
        "tokenizers": tokenizers.__version__, "call": best, "threads": arguments.threads, "texts": len(inputs),
        "tokens": tokens}), flush=True)
    rounds = [arguments.rounds] if arguments.rounds else (int(line) for line in sys.stdin)
    for count in rounds:
        print(json.dumps({"seconds": [timed(best, inputs)[0] for _ in range(count)]}), flush=True)


main()
