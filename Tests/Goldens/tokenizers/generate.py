"""Writes the recordings that the tests read: one small tokenizer per kind (NAME.json) and cases.json.

Run `python generate.py` in this directory; see compare.py for what to install.
"""
import json
import pathlib

from tokenizers import Tokenizer

import kinds
import texts

HERE = pathlib.Path(__file__).parent
FEW = 48
SIZES = {"unigram": 220, "unigram-fallback": 320, "bert": 400, "words": 160, "classic": 420, "continuing": 420,
         "llama2": 420, "gemma": 420, "clip": 700}


def main():
    inputs = [t for t in texts.texts(400, 7) if 0 < len(t) < 90][:FEW]
    cases = {"texts": inputs, "kinds": {}}
    for name in kinds.KINDS:
        file = json.loads(kinds.build(name, SIZES.get(name, 300)).to_str())
        path = HERE / f"{name}.json"
        path.write_text(json.dumps(file, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        tokenizer = Tokenizer.from_file(str(path))
        encoded = [e.ids for e in tokenizer.encode_batch(inputs, add_special_tokens=False)]
        decoded = tokenizer.decode_batch(encoded, skip_special_tokens=False)
        cases["kinds"][name] = {
            "marked": tokenizer.encode(inputs[0]).ids, "ids": encoded,
            # null where decoding gives the text back
            "texts": [None if text == inputs[i] else text for i, text in enumerate(decoded)],
        }
    (HERE / "cases.json").write_text(
        json.dumps(cases, ensure_ascii=True, separators=(",", ":")).replace("},", "},\n") + "\n", encoding="utf-8")


main()
