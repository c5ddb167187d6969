"""llama.cpp as a tokenizer, by way of llama-cpp-python 0.3.36, and small vocabularies in its format.

    pip install llama-cpp-python==0.3.36 gguf==0.17.1 tokenizers==0.23.3
"""
import json
import pathlib
import random
import unicodedata

import gguf
import llama_cpp
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

import kinds
import published_cuts
import texts

HERE = pathlib.Path(__file__).parent


class Reference:
    """The vocabulary of one GGUF file, and the published tokenizer that it stands for where llama.cpp cuts otherwise."""

    def __init__(self, path, published=None):
        self.published = published
        self.model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
        vocabulary = llama_cpp.llama_model_get_vocab(self.model._model.model)
        marked = (llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
                  | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN)
        self.pre = self.model.metadata.get("tokenizer.ggml.pre", "")
        self.name = self.model.metadata.get("general.name", "").lower()
        # Read as a marker although no file of this family means it.
        self.turned = self.pre in ("qwen2", "qwen35") and self.name != ""
        self.markers = []
        for token in range(llama_cpp.llama_vocab_n_tokens(vocabulary)):
            attributes = llama_cpp.llama_vocab_get_attr(vocabulary, token)
            if attributes & marked:
                text = llama_cpp.llama_vocab_get_text(vocabulary, token).decode("utf-8", "replace")
                self.markers.append(text)

    def ids(self, text, special=True, add_bos=False):
        return self.model.tokenize(text.encode(), add_bos=add_bos, special=special)

    def cuts_as_published(self, text):
        """Whether llama.cpp's tokens of what lies between markers are the published ones."""
        if self.published is None:
            return True
        parts = [text]
        for marker in self.markers:
            parts = [part for whole in parts for part in whole.split(marker)]
        return all(self.ids(part, special=False) == published_cuts.ids(self.published, part) for part in parts)

    def has_reason(self, text):
        """Whether a difference is on purpose. The unicodedata of Python 3.11 is older than the tables of llama.cpp."""
        places = sorted((at, at + len(marker)) for marker in self.markers for at in occurrences(marker, text))
        return (
            any(unicodedata.category(character) == "Cn" for character in text)
            or any(a[0] < b[0] < a[1] < b[1] for i, a in enumerate(places) for b in places[i + 1:i + 20])
            or self.pre == "deepseek-llm" and "\u3000" in text
            or ("phi-3" in self.name or "phi3" in self.name) and any(c.isspace() and c not in " \t\n\v\f\r" for c in text)
            or self.turned and "</s>" in text
            or not self.cuts_as_published(text))

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


def occurrences(marker, text):
    at = text.find(marker)
    while at >= 0:
        yield at
        at = text.find(marker, at + 1)


def uncut_vocabulary():
    """Byte-level BPE trained on text that was not cut, so that every cut shows in the tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    # Without the markers, which are tokens of their own.
    corpus = [text for text in texts.texts(6000, 77) if not any(marker in text for marker, _ in MARKERS)]
    tokenizer.train_from_iterator(kinds.CORPUS.split("\n") + corpus, trainer)
    return json.loads(tokenizer.to_str())["model"]


def write_bytes_vocabulary(path, model, pre):
    """The arrays of a byte-level vocabulary, cut in the way called `pre`."""
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    types = [gguf.TokenType.NORMAL] * len(tokens)
    for marker, kind in MARKERS:
        tokens.append(marker)
        types.append(kind)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    finish(writer, tokens.index("<s>"), tokens.index("</s>"))


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


MARKERS = [
    ("<s>", gguf.TokenType.CONTROL), ("</s>", gguf.TokenType.CONTROL), ("<think>", gguf.TokenType.USER_DEFINED),
    ("<sp>", gguf.TokenType.CONTROL), ("<spa", gguf.TokenType.USER_DEFINED), ("<unk>", gguf.TokenType.UNKNOWN),
    ("[PAD7]", gguf.TokenType.UNUSED), ("<|im_end|>", gguf.TokenType.NORMAL),
]
# Names of ways to cut.
WAYS = ["gpt-2", "llama-bpe", "smaug-bpe", "qwen2", "deepseek-r1-qwen", "deepseek-llm", "deepseek-coder", "deepseek-v3",
        "default", "falcon", "starcoder", "qwen35", "seed-coder", "bailingmoe"] + list(published_cuts.PUBLISHED)
# Other names, most of which share a pattern with one above.
MORE_WAYS = ["llama3", "llama-v3", "pixtral", "falcon3", "lfm2", "glm4", "chatglm-bpe", "dbrx", "hunyuan", "hunyuan-dense",
             "hy_v4", "stablelm2", "megrez", "grok-2", "solar-open", "command-r", "smollm", "refact", "exaone", "exaone4", "mpt",
             "olmo", "phi-2", "gigachat", "bailingmoe2", "joyai-llm", "kormo", "minerva-7b", "granite-docling",
             "minicpm5", "jais-2", "ufakzeka", "spark2_5", "jina-v5-nano"]


def write_all(directory, ways=WAYS):
    """Every kind as a file of `directory`; yields the paths, each with the published tokenizer or None."""
    model = uncut_vocabulary()
    for pre in ways:
        path = pathlib.Path(directory) / f"{pre}.gguf"
        write_bytes_vocabulary(path, model, pre)
        yield path, published_cuts.tokenizer(pre, model)
    for name, adds_space in [("llama", True), ("llama-no-prefix", False)]:
        path = pathlib.Path(directory) / f"{name}.gguf"
        write_sentence_piece(path, adds_space)
        yield path, None
