"""Writes a mixed text for measuring: Latin, Cyrillic, CJK and code, the same bytes every time.

    python mixed_text.py 50 mixed.txt     (megabytes, file)
"""
import pathlib
import random
import sys

SYLLABLES = {
    "latin": ["the", "ing", "er", "an", "re", "on", "at", "en", "nd", "ti", "es", "or", "te", "of", "ed", "is", "it", "al", "ar",
              "st", "to", "nt", "ng", "se", "ha", "as", "ou", "io", "le", "ve", "co", "me", "de", "hi", "ri", "ro", "ic", "ne", "ea",
              "ra", "ce"],
    "cyrillic": ["ст", "но", "то", "на", "ен", "ов", "ни", "ра", "во", "ко", "ал", "ли", "по", "ре", "ол", "пр", "ро", "та", "ка",
                 "го", "не", "ть", "ос", "ет", "ин", "ло", "ер", "ва", "ла", "де", "ви", "ри", "ле", "ел", "ог", "ан"],
}
CODE = """for index in range(%d):
    values[index] += compute_%s(index, scale=%d.%d)
if (node->left != NULL && %s > %d) {
        return std::max(depth(node->left), depth(node->right)) + %d;
}
let %s = try decoder.decode([String: Int].self, from: data)  // %s
"""


def word(generator, script):
    return "".join(generator.choice(SYLLABLES[script]) for _ in range(generator.choice([1, 1, 2, 2, 2, 3, 3, 4])))


def main():
    megabytes, path = float(sys.argv[1]), pathlib.Path(sys.argv[2])
    generator = random.Random(3)
    # A vocabulary drawn by Zipf's law, as in a language; a tenth of the words are new.
    lexicon = {script: [word(generator, script) for _ in range(30_000)] for script in SYLLABLES}
    ideographs = [chr(c) for c in range(0x4E00, 0x9FA5)]
    generator.shuffle(ideographs)

    def draw(items):
        return items[min(len(items) - 1, int(len(items) ** generator.random()) - 1)]

    lines, size = [], 0
    while size < megabytes * 1e6:
        kind = generator.random()
        if kind < 0.7:
            script = "latin" if kind < 0.4 else "cyrillic"
            words = [draw(lexicon[script]) if generator.random() < 0.9 else word(generator, script)
                     for _ in range(generator.randrange(5, 40))]
            line = " ".join(words).capitalize() + generator.choice([".", ".", "!", "?", " 2024.", ", 17%."])
        elif kind < 0.85:
            line = "".join(draw(ideographs) for _ in range(generator.randrange(5, 40))) + "。"
        else:
            w = [word(generator, "latin") for _ in range(4)]
            n = [generator.randrange(10 ** generator.randrange(1, 6)) for _ in range(5)]
            line = CODE % (n[0], w[0], n[1], n[2], w[1], n[3], n[4], w[2], w[3])
        lines.append(line)
        size += len(line.encode()) + 1
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
