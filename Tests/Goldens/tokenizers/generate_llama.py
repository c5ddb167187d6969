"""Writes the recordings of llama.cpp that the tests read: small vocabularies (llama/*.gguf) and llama/cases.json. All ways
to cut share bytes.gguf, in which the tests write their names. Where llama.cpp cuts otherwise than the published pattern,
the ids are those of the `tokenizers` package, with markers read as text. Run `python generate_llama.py` in this
directory; see llama_reference.py for what to install.
"""
import json
import pathlib
import shutil
import tempfile

import llama_reference
import published_cuts

FEW = 60


def main():
    directory = llama_reference.HERE / "llama"
    directory.mkdir(exist_ok=True)
    cases = {"texts": [], "kinds": {}, "published": {}}
    with tempfile.TemporaryDirectory() as scratch:
        files = list(llama_reference.write_all(scratch))
        published = {path.stem: tokenizer for path, tokenizer in files if tokenizer is not None}
        paths = [path for path, tokenizer in files if tokenizer is None]
        references = {path.stem: llama_reference.Reference(path) for path in paths}
        shutil.copy(pathlib.Path(scratch) / "default.gguf", directory / "bytes.gguf")
        for path in paths[-2:]:
            shutil.copy(path, directory)
    any_of_them = references["gpt-2"]
    for text in any_of_them.texts(3000, 5):
        if 0 < len(text) < 90 and not any(reference.has_reason(text) for reference in references.values()):
            cases["texts"].append(text)
        if len(cases["texts"]) == FEW:
            break
    for name, reference in references.items():
        cases["kinds"][name] = {
            "ids": [reference.ids(text) for text in cases["texts"]],
            "marked": reference.ids(cases["texts"][0], add_bos=True),
        }
    for name in ["gpt-4o", "tekken", "kimi-k2", "youtu"]:
        cases["published"][name] = [published_cuts.ids(published[name], text) for text in cases["texts"]]
    (directory / "cases.json").write_text(
        json.dumps(cases, ensure_ascii=True, separators=(",", ":")).replace("},", "},\n") + "\n", encoding="utf-8")


main()
