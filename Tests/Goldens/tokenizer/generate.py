"""Records what the `tokenizers` package (0.23.3) makes of a small corpus and of difficult strings.

Run with `pip install tokenizers==0.23.3`, then `python generate.py` in this directory. Writes corpus.txt,
one trained tokenizer per pre-tokenizer (NAME.json), and cases.json.
"""
import json
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

PATTERNS = {
    "whitespace": [r" ?\S+|\s+(?!\S)|\s+"],
    "gpt2": [r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"],
    "deepSeekV3": [
        r"\p{N}{1,3}",
        "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|"""
        + "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    ],
}
SPECIAL = ["<|bos|>", "<|eos|>"]

TEXTS = [
    "The knight always tells the truth, and the knave always lies. If the knight says that it's raining, it's raining.",
    "Рыцарь всегда говорит правду, а лжец всегда лжёт. Если рыцарь говорит, что идёт дождь, значит, идёт дождь.",
    "骑士总是说真话，而无赖总是说谎。如果骑士说天在下雨，那么天就在下雨。",
    "きしはいつもほんとうのことをいう。ナイトが雨だといえば、雨です。",
    "for (int i = 0; i < count; ++i) {\n\tsum += values[i] * 3.1415;\n}\nreturn sum;\n\n",
    "12 + 345 = 357; 1000000 - 1 = 999999, and 2024-11-05 isn't 2025-11-05.\r\n",
    "Ein großer Käse für 3,50 €. Le garçon naïf a mangé la crème brûlée… ¿Dónde está el baño?",
    "  indented\n    more\n\n\n  less   \t tabs \u00a0 and spaces  ",
    "We'll see; they've said I'm right, you're wrong, he'd know. DON'T SHOUT'S 'quoted' rock'n'roll.",
    "👍🏽 👩‍👩‍👧‍👦 🇩🇪🇫🇷 e\u0301 a\u0308 हिन्दी ภาษาไทย العربية ٣٤٥ Ⅳ ½ x² 가나다 ﬁ",
]

HARD = TEXTS + [
    "", " ", "  ", "\n", "\r\n\r\n", " \n ", "a", " a", "  a", "a ", "a  ", "\t\ta", "\u3000a", "\u00a0\u00a0a",
    "\u2028x\u2029", "'s", "''s", " 's", "'", "'l", "'re'", "1", "12", "123", "1234", "12345678", "٣٤٥٦", "1a2b", "½½½½",
    "!!!\n\n", " !!!\r\n x", "$abc", "+abc-def", "#include<stdio.h>", "_a", "?é", "¿a", "a\u0301\u0301", "\u0301", "1\u0301",
    "\u0301a", "\u200da", "\u200d\u200d", "\x00", "\x00\x01a", "\x7f\x7f ", "\ufffd", "\ue000\ue001b", "你好世界", "你a好", "龥龦",
    "ア・イー゛ウ\u3099\u3040\u3097", "ー", "・・", "゛゛", "中1文", "中 文", " 中", "中!\n", "<|bos|>", "a<|eos|><|eos|>b",
    "<|bos", "<|bos|", "<think>x</think>", "<|<|bos|>|>", "\U00011de0\u088f", "\u0378\u0378a", "\U0001f9d1\u200d\U0001f680",
]


def splits(name):
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in PATTERNS[name]]


def corpus():
    random.seed(5)
    words = [w for text in TEXTS for w in text.split(" ")]
    lines = [" ".join(random.choice(words) for _ in range(random.randrange(3, 20))) for _ in range(100)]
    return "\n".join(TEXTS + lines)


def random_strings(count):
    random.seed(6)
    alphabet = "".join(HARD) + " \n\t'aeiou0123456789"
    ranges = [(0, 0x300), (0x300, 0x3000), (0x3000, 0x3200), (0x4E00, 0xA000), (0xFE00, 0x10000), (0x1F300, 0x1FA00)]

    def character():
        return random.choice(alphabet) if random.random() < 0.6 else chr(random.randrange(*random.choice(ranges)))

    return ["".join(character() for _ in range(random.randrange(1, 40))) for _ in range(count)]


def all_characters():
    """Every character that can have a class, next to a letter, a space and a digit."""
    scalars = [c for c in range(0x32400) if not 0xD800 <= c < 0xE000] + list(range(0xE0000, 0xE0200))
    return "".join(f"{chr(c)}a {chr(c)}1" for c in scalars)


def checksum(pieces):
    value = 0
    for piece in pieces:
        value = ((value ^ len(piece.encode())) * 0x100000001B3 + 1) % 2**64
    return str(value)


def main():
    text = corpus()
    with open("corpus.txt", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    strings = HARD + random_strings(120)
    cases = {"strings": strings, "ids": {}, "idsWithoutSpecial": {}, "pieces": {}, "allCharacters": {}}
    for name in PATTERNS:
        cut = pre_tokenizers.Sequence(splits(name))
        bytes_step = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(splits(name) + [bytes_step])
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=700, min_frequency=2, special_tokens=SPECIAL, show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        tokenizer.train_from_iterator([text], trainer)
        plain = Tokenizer.from_str(tokenizer.to_str())
        tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
        tokenizer.save(f"{name}.json", pretty=False)
        cases["ids"][name] = [tokenizer.encode(s, add_special_tokens=False).ids for s in strings]
        # Without recognition a special token is text like any other: encode around the added tokens' matcher.
        plain.encode_special_tokens = True
        cases["idsWithoutSpecial"][name] = [plain.encode(s, add_special_tokens=False).ids for s in strings]
        cases["pieces"][name] = [[p for p, _ in cut.pre_tokenize_str(s)] for s in strings]
        pieces = [p for p, _ in cut.pre_tokenize_str(all_characters())]
        cases["allCharacters"][name] = {"count": len(pieces), "checksum": checksum(pieces)}
    with open("cases.json", "w", encoding="utf-8") as file:
        json.dump(cases, file, separators=(",", ":"), ensure_ascii=True)


if __name__ == "__main__":
    main()
