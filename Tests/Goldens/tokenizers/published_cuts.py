"""The patterns of published tokenizers that llama.cpp cuts by simpler ones, as the `tokenizers` package applies them.

llama.cpp maps every letter beyond ASCII to one class, so that its words do not end where the case of such letters rises,
and marks are no letters in most of its patterns. Its own words for `kimi-k2` know no case at all.
"""
import json

from tokenizers import Regex, Tokenizer, models, pre_tokenizers

import kinds

HAN = r"&&[^\p{Han}]"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}%s]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}%s]"
BEFORE = r"[^\r\n\p{L}\p{N}]?"
O200K = kinds.PATTERNS["o200k"]


def cased(but):
    """Words that end where the case of their letters rises."""
    upper, lower = UPPER % but, LOWER % but
    return "|".join(
        BEFORE + word + kinds.CONTRACTIONS + "?" for word in [f"{upper}*{lower}+", f"{upper}+{lower}*"])


# Name: patterns, and whether a piece that is a token needs no merging.
PUBLISHED = {
    **{name: (O200K, False) for name in ["gpt-4o", "llama4", "minimax-m2", "kanana2"]},
    "tekken": (kinds.PATTERNS["tekken"], True),
    # tokenization_kimi.py of moonshotai/Kimi-K2-Instruct.
    "kimi-k2": ([r"[\p{Han}]+|" + cased(HAN) + r"|\p{N}{1,3}" + kinds.TAIL], False),
    # tokenizer.json of tencent/Youtu-LLM-2B.
    "youtu": ([
        "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、\u3001-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥\u3040-ゟ゠-ヿ]+",
        cased("") + r"|\p{N}" + kinds.TAIL.replace(r"[\r\n]*", r"[\r\n/]*")], True),
}


def tokenizer(name, model):
    """The vocabulary and the merges of `model`, cut as `name` says; None where llama.cpp's own cut is the published one."""
    if name not in PUBLISHED:
        return None
    patterns, ignores_merges = PUBLISHED[name]
    whole = Tokenizer(models.BPE(
        model["vocab"], [tuple(pair) for pair in model["merges"]], ignore_merges=ignores_merges))
    whole.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
        + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return whole


def ids(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids
