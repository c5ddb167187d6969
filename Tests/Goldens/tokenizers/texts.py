"""Difficult texts: every script, code, emoji, controls, half-written markers, and what is left of broken bytes."""
import random

PIECES = [
    "The knight", " always", " tells", "the truth", " it's", " DON'T", "'s", "'S", "'ſ", "'re", "we'LL", " Ünïcödé", "Naïve",
    "naïve", "Рыцарь", " правду", "ЛЖЕЦ", "骑士", "总是说真话", "きし", "ナイト", "ー", "\u3099", "한국어", "각", "\u1112\u1161\u11ab", "हिन्दी",
    "ภาษาไทย", "العربية", "עברית", "ქართული", "Ⴀ", "ǅ", "ﬁ", "Å", "e\u0301", "\u0301", "\u0344", "\u1e9b\u0323", "½", "Ⅳ", "²", "٣٤٥",
    "0", "12", "345", "6789", "3.14", "1_000", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "\u200b", "\u180e",
    "\u0085", "\x00", "\x01", "\x7f", "\ufffd", "\ufeff", "\ue000", "\u00ad", "!", "...", "…", "?!", " -- ", "(", ")", "{", "}", "[", "]", "<",
    ">", "/", "\\", "|", "&&", "==", "+=", "$x", "#include <stdio.h>", "for (int i = 0; i < n; ++i) {", "return x;", "def f(x):",
    "\n    ", "camelCase", "HTTPServer", "snake_case", "ABCdef", "abcDEF", "👍", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "🇩", "☺️", "©", "™", "€", "₿",
    "<s>", "</s>", "<pad>", "<think>", "<mask>", " <mask>", "<right> ", "<alone>", "x<alone>", "<sp>", "<spa", "<sp", "<s", "[CLS]", "[UNK]",
    "<unk>", "<0x41>", "<0xE4>", "▁", "Ġ", "Ċ", "##", "##ing", "</w>", "\u0378", "\U0001cd00", "\U00011de0", "\u1c89", "\u0890",
    "\U00016d40", "aaaaaaaa", "eeee", "xx", "aou", "ma\u030ana", "Ǆ", "İ", "ẞ", "Σ", "ς", "𝔘", "ａＢ", "﷽", "\u0bcd", "\u0c4d",
]
RANGES = [(0, 0x80), (0x80, 0x250), (0x250, 0x900), (0x900, 0x2000), (0x2000, 0x3000), (0x3000, 0x3200), (0x4E00, 0xA000),
          (0xA000, 0xD800), (0xF900, 0x10000), (0x10000, 0x12000), (0x1D000, 0x1F300), (0x1F300, 0x1FB00), (0, 0x110000)]


def character(random):
    while True:
        low, high = random.choice(RANGES)
        value = random.randrange(low, high)
        if not 0xD800 <= value < 0xE000:
            return chr(value)


def texts(count, seed):
    generator = random.Random(seed)
    for _ in range(count):
        kind = generator.random()
        length = generator.randrange(0, 24)
        if kind < 0.5:
            yield "".join(generator.choice(PIECES) for _ in range(length))
        elif kind < 0.7:
            yield "".join(character(generator) for _ in range(length))
        elif kind < 0.9:
            yield "".join(
                generator.choice(PIECES) if generator.random() < 0.7 else character(generator) for _ in range(length))
        else:
            yield bytes(generator.randrange(256) for _ in range(length * 2)).decode("utf-8", "replace")
