"""llama.cpp as a tokenizer, by way of llama-cpp-python 0.3.36, and small vocabularies in its format.

    pip install llama-cpp-python==0.3.36 gguf==0.17.1
"""
import json
import pathlib
import random

import gguf
import llama_cpp

import texts

HERE = pathlib.Path(__file__).parent


class Reference:
    """The vocabulary of one GGUF file."""

    def __init__(self, path):
        self.model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
        vocabulary = llama_cpp.llama_model_get_vocab(self.model._model.model)
        marked = (llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
                  | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN)
        self.user_defined, self.markers = [], []
        for token in range(llama_cpp.llama_vocab_n_tokens(vocabulary)):
            attributes = llama_cpp.llama_vocab_get_attr(vocabulary, token)
            if attributes & marked:
                text = llama_cpp.llama_vocab_get_text(vocabulary, token).decode("utf-8", "replace")
                self.markers.append(text)
                if attributes & llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED:
                    self.user_defined.append(text)

    def ids(self, text, special=True, add_bos=False):
        return self.model.tokenize(text.encode(), add_bos=add_bos, special=special)

    def texts(self, count, seed):
        """Difficult texts, a third of them with markers of this vocabulary written out in them."""
        generator = random.Random(seed + 100)
        for text in texts.texts(count, seed):
            if self.markers and generator.random() < 0.33:
                for _ in range(generator.randrange(1, 4)):
                    marker = generator.choice(self.markers)
                    if generator.random() < 0.2:
                        marker = marker[:generator.randrange(len(marker) + 1)]
                    place = generator.randrange(len(text) + 1)
                    text = text[:place] + marker + text[place:]
            yield text


def write_bytes_vocabulary(path, golden, pre):
    """The arrays of a byte-level tokenizer.json of this directory, cut in the way called `pre`."""
    file = json.loads((HERE / f"{golden}.json").read_text(encoding="utf-8"))
    tokens, types = dict((i, t) for t, i in file["model"]["vocab"].items()), {}
    for token in file["added_tokens"]:
        if not any(token[key] for key in ("lstrip", "rstrip", "single_word", "normalized")):
            tokens[token["id"]] = token["content"]
            types[token["id"]] = gguf.TokenType.CONTROL if token["special"] else gguf.TokenType.USER_DEFINED
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    size = max(tokens) + 1
    writer.add_token_list([tokens.get(i, f"[PAD{i}]") for i in range(size)])
    writer.add_token_types([types.get(i, gguf.TokenType.NORMAL if i in tokens else gguf.TokenType.UNUSED)
                            for i in range(size)])
    writer.add_token_merges([" ".join(pair) for pair in file["model"]["merges"]])
    finish(writer, [i for i, t in tokens.items() if t == "<s>"][0], [i for i, t in tokens.items() if t == "</s>"][0])


def write_sentence_piece(path, adds_space):
    """SentencePiece BPE: the merges of llama2.json as scores."""
    file = json.loads((HERE / "llama2.json").read_text(encoding="utf-8"))
    tokens = sorted(file["model"]["vocab"].items(), key=lambda item: item[1])
    ranks = {left + right: rank for rank, (left, right) in reversed(list(enumerate(file["model"]["merges"])))}
    types, scores = [], []
    for token, _ in tokens:
        byte = len(token) == 6 and token.startswith("<0x")
        types.append(gguf.TokenType.UNKNOWN if token == "<unk>" else gguf.TokenType.CONTROL if token in ("<s>", "</s>")
                     else gguf.TokenType.BYTE if byte else gguf.TokenType.NORMAL)
        scores.append(0.0 if types[-1] != gguf.TokenType.NORMAL else -float(ranks.get(token, len(ranks))))
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token for token, _ in tokens])
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bool("tokenizer.ggml.add_space_prefix", adds_space)
    ids = dict(tokens)
    finish(writer, ids["<s>"], ids["</s>"])


def finish(writer, beginning, end):
    writer.add_bos_token_id(beginning)
    writer.add_eos_token_id(end)
    writer.add_context_length(64)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


# Names of ways to cut, and a vocabulary of ours to cut with each.
WAYS = {
    "gpt-2": "gpt2", "llama-bpe": "llama3", "smaug-bpe": "llama3", "qwen2": "qwen2", "deepseek-r1-qwen": "qwen2",
    "deepseek-llm": "deepseek-llm", "deepseek-coder": "deepseek-coder", "deepseek-v3": "deepseek-v3", "default": "gpt2",
    "falcon": "gpt2", "starcoder": "gpt2", "qwen35": "qwen2", "seed-coder": "qwen2", "bailingmoe": "qwen2",
}


def write_all(directory):
    """Every kind as a file of `directory`; yields the paths."""
    for pre, golden in WAYS.items():
        path = pathlib.Path(directory) / f"{pre}.gguf"
        write_bytes_vocabulary(path, golden, pre)
        yield path
    for name, adds_space in [("llama", True), ("llama-no-prefix", False)]:
        path = pathlib.Path(directory) / f"{name}.gguf"
        write_sentence_piece(path, adds_space)
        yield path
