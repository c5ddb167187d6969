"""Tokenizers of every published kind, trained on a small corpus with the `tokenizers` package (0.23.3).

`build(NAME, size, full)` gives one; KINDS lists the names. With `full` the character map of SentencePiece is the whole
one, else a small one that fits into a repository.
"""
import base64
import json
import pathlib
import tempfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
CORPUS = (HERE.parent / "tokenizer" / "corpus.txt").read_text(encoding="utf-8")

TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]%s[\p{Ll}\p{Lm}\p{Lo}\p{M}]%s"
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LETTERS = (
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ"
    "\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿ"
    "ﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃")
CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
PATTERNS = {
    "llama3": [CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + TAIL],
    "qwen2": [CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + TAIL],
    "o200k": [CASED % ("*", "+") + CONTRACTIONS + "?|" + CASED % ("+", "*") + CONTRACTIONS + r"?|\p{N}{1,3}"
              + TAIL.replace(r"[\r\n]*", r"[\r\n/]*")],
    "tekken": [CASED % ("*", "+") + "|" + CASED % ("+", "*") + r"|\p{N}" + TAIL.replace(r"[\r\n]*", r"[\r\n/]*")],
    "deepseek-v3": [
        r"\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"""
        + "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"],
    "deepseek-coder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"],
    "deepseek-llm": ["[\r\n]", r"\s?[" + LETTERS + "]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", CJK],
    "tiktoken": [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
                 r"|\s*[\r\n]|\s+(?!\S)|\s"],
    "sets": [r"[\p{L}&&[^\p{Han}]]+|[\p{Han}[\p{Hiragana}\p{Katakana}]]+|\w+|[^\S\n]{2,}|\b\d{1,2}+\b|(?m:..)|\h{2}"],
}
ADDED = [
    AddedToken("<s>", special=True, normalized=False), AddedToken("</s>", special=True, normalized=False),
    AddedToken("<pad>", special=True, normalized=False), AddedToken("<think>", special=False, normalized=False),
    AddedToken("<mask>", special=True, normalized=False, lstrip=True),
    AddedToken("<right>", special=False, normalized=False, rstrip=True),
    AddedToken("<alone>", special=False, normalized=False, single_word=True),
    AddedToken("Naïve", special=False, normalized=True), AddedToken("<sp>", special=True, normalized=False),
    AddedToken("<spa", special=False, normalized=False), AddedToken("  ", special=False, normalized=False),
]


def train(model, trainer, normalizer=None, cut=None, decoder=None, added=ADDED):
    tokenizer = Tokenizer(model)
    for name, part in [("normalizer", normalizer), ("pre_tokenizer", cut), ("decoder", decoder)]:
        if part is not None:
            setattr(tokenizer, name, part)
    tokenizer.train_from_iterator(CORPUS.split("\n"), trainer)
    tokenizer.add_tokens(added)
    return tokenizer


def changed(tokenizer, **settings):
    """The tokenizer with settings of its model that trainers do not know."""
    file = json.loads(tokenizer.to_str())
    file["model"].update(settings)
    return Tokenizer.from_str(json.dumps(file))


def bytes_trainer(size):
    return trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)


def byte_level(size, steps, normalizer=None, **settings):
    cut = pre_tokenizers.Sequence(steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = train(models.BPE(), bytes_trainer(size), normalizer, cut, decoders.ByteLevel())
    return changed(tokenizer, **settings) if settings else tokenizer


def isolated(name):
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in PATTERNS[name]]


def gpt2(size, full):
    tokenizer = train(
        models.BPE(), bytes_trainer(size), None, pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel())
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")))
    return tokenizer


def llama3(size, full):
    tokenizer = byte_level(size, isolated("llama3"), ignore_merges=True)
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])])
    return tokenizer


def llama2(size, full):
    """SentencePiece BPE as converted: no cut, spaces written out, bytes as a fallback."""
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=size + 256, special_tokens=["<unk>", "<s>", "</s>"] + fallback, show_progress=False)
    tokenizer = train(
        models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), trainer,
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
        decoders.Sequence([
            decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]))
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [t for t in file["added_tokens"] if t["content"] not in fallback]
    return Tokenizer.from_str(json.dumps(file))


def gemma(size, full):
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=size + 256, special_tokens=["<unk>"] + fallback, show_progress=False)
    tokenizer = train(
        models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), trainer, normalizers.Replace(" ", "▁"),
        pre_tokenizers.Split(" ", "merged_with_previous"),
        decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]))
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [t for t in file["added_tokens"] if t["content"] not in fallback]
    return Tokenizer.from_str(json.dumps(file))


def clip(size, full):
    trainer = bytes_trainer(size)
    trainer.end_of_word_suffix = "</w>"
    tokenizer = train(
        models.BPE(end_of_word_suffix="</w>", unk_token="<unk>"), trainer,
        normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]),
        pre_tokenizers.Sequence([
            pre_tokenizers.Split(
                Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False)]),
        decoders.ByteLevel(), [AddedToken("<unk>", special=True, normalized=False)] + ADDED)
    file = json.loads(tokenizer.to_str())
    file["model"]["vocab"]["<unk>"] = tokenizer.token_to_id("<unk>")
    return Tokenizer.from_str(json.dumps(file))


def classic(size, full):
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False)
    return train(
        models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), trainer, normalizers.Lowercase(),
        pre_tokenizers.WhitespaceSplit(), decoders.BPEDecoder("</w>"))


def continuing(size, full):
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>"], continuing_subword_prefix="##", show_progress=False)
    return train(
        models.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True), trainer,
        normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]), pre_tokenizers.Whitespace(),
        decoders.WordPiece("##", cleanup=True))


def character_map(full):
    """The compiled map of SentencePiece, whole or of a few rules."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    with tempfile.TemporaryDirectory() as directory:
        corpus, rules = f"{directory}/corpus.txt", f"{directory}/rules.tsv"
        pathlib.Path(corpus).write_text(CORPUS, encoding="utf-8")
        lines = ["41\t61", "FF21\t41", "BD\t31 2044 32", "3000\t20", "A0\t20", "AD\t", "E9\t65", "65 301\t65", "2026\t2E 2E 2E",
                 "1F1E9 1F1EA\t44 45", "FB01\t66 69", "9\t20", "410 306\t410"]
        pathlib.Path(rules).write_text("\n".join(lines) + "\n")
        settings = {"normalization_rule_name": "nmt_nfkc"} if full else {"normalization_rule_tsv": rules}
        sentencepiece.SentencePieceTrainer.train(
            input=corpus, model_prefix=f"{directory}/model", vocab_size=400, hard_vocab_limit=False,
            character_coverage=1.0, minloglevel=2, **settings)
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString(pathlib.Path(f"{directory}/model.model").read_bytes())
    return base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()


def unigram(size, full):
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False)
    tokenizer = train(models.Unigram(), trainer, normalizers.Nmt(), pre_tokenizers.Metaspace(), decoders.Metaspace())
    file = json.loads(tokenizer.to_str())
    file["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Precompiled", "precompiled_charsmap": character_map(full)},
        {"type": "Strip", "strip_left": False, "strip_right": True},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}]}
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))])
    return tokenizer


def unigram_fallback(size, full):
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer = train(
        models.Unigram(), trainer,
        normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip(), normalizers.Replace("a", "aa")]),
        pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
        decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")]), [])
    file = json.loads(tokenizer.to_str())
    file["model"]["byte_fallback"] = True
    file["model"]["vocab"] += [[piece, 0.0] for piece in fallback]
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.add_tokens(ADDED)
    return tokenizer


def bert(size, full):
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    tokenizer = train(
        models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20), trainer, normalizers.BertNormalizer(),
        pre_tokenizers.BertPreTokenizer(), decoders.WordPiece())
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return tokenizer


def words(size, full):
    trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=["<unk>"], show_progress=False)
    return train(
        models.WordLevel(unk_token="<unk>"), trainer,
        normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Strip(), normalizers.Lowercase()]),
        pre_tokenizers.Sequence([
            pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits()]),
        None)


def behaviours(size, full):
    """Splits in every behaviour, one after the other."""
    return byte_level(size, [
        pre_tokenizers.Split("e", "merged_with_next"), pre_tokenizers.Split(Regex(r"[aou]{2}"), "contiguous"),
        pre_tokenizers.Split(Regex(r"\p{Lu}|x*"), "merged_with_previous"), pre_tokenizers.Split("  ", "removed"),
        pre_tokenizers.Split(Regex(r"\p{L}+"), "contiguous", invert=True), pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.CharDelimiterSplit("|"), pre_tokenizers.FixedLength(7)])


KINDS = {
    "gpt2": gpt2, "llama3": llama3, "llama2": llama2, "gemma": gemma, "clip": clip, "classic": classic,
    "continuing": continuing, "unigram": unigram, "unigram-fallback": unigram_fallback, "bert": bert, "words": words,
    "behaviours": behaviours,
    "qwen2": lambda size, full: byte_level(size, isolated("qwen2"), normalizers.NFC()),
    "deepseek-llm": lambda size, full: byte_level(
        size, isolated("deepseek-llm") + [pre_tokenizers.Digits(individual_digits=True)]),
    **{name: (lambda name: lambda size, full: byte_level(size, isolated(name)))(name)
       for name in ["o200k", "tekken", "deepseek-v3", "deepseek-coder", "tiktoken", "sets"]},
}


def build(name, size=600, full=False):
    return KINDS[name](size, full)
