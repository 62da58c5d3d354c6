#!/usr/bin/env python3
"""Makes the tokenizer fixtures of this folder with llama.cpp as the judge.

    make_tokenizer_fixtures.py LLAMA_CPP MODELS

LLAMA_CPP is a llama.cpp source folder with its libraries in build/bin; MODELS is the folder with the model files.

strings.jsonl        the strings, one JSON string a line (seeded: the same strings on every run)
NAME.ids             llama.cpp's ids of each string: without special tokens, a bar, with them where they differ
NAME.split           byte lengths of the words that the pre-tokenizer NAME makes of each string
NAME.pieces          FNV-1a (64 bit) over the bytes of every token, first without, then with special tokens, each
                     followed by the byte FF
kinds                the same hash over the kinds of the Unicode scalar values below 0x32400
"""
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

TOKENIZERS = {
    "smollm2": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "qwen2": "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
    "gemma3": "gemma-3-270m.Q4_K_M.gguf",
    "gpt-2": "models/ggml-vocab-gpt-2.gguf",
    "llama-bpe": "models/ggml-vocab-llama-bpe.gguf",
    "llama-spm": "models/ggml-vocab-llama-spm.gguf",
}
SPLITTERS = ["gpt-2", "smollm", "llama-bpe", "qwen2", "default"]

SENTENCES = """The quick brown fox jumps over the lazy dog.
I'm sure they've said we'll do it, but he'd rather wait; she's not here.
IT'S 5 O'CLOCK; WE'RE DONE, AREN'T WE? YOU'LL SEE. THEY'D KNOW. I'VE BEEN.
O'Neill's 'quoted' words and ''double'' ones, rock'n'roll, y'all, 'tis, 'Twas
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.
Le cœur déçu mais l'âme plutôt naïve, Louÿs rêva de crapaüter en canoë.
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío; añoraba a su querido cachorro.
Pchnąć w tę łódź jeża lub ośm skrzyń fig.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Съешь же ещё этих мягких французских булок, да выпей чаю.
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.
いろはにほへと ちりぬるを わかよたれそ つねならむ
東京都は日本の首都です。カタカナとひらがなと漢字。
我能吞下玻璃而不伤身体。她说：“你好，世界！”
我能吞下玻璃而不傷身體。
키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다.
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر
דג סקרן שט בים מאוכזב ולפתע מצא חברה
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश करने वाले विष्णुवतार
เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน
ყვითელი ტელეფონი და ახალი წიგნი
Հայերեն գրված նախադասություն
আমি কাঁচ খেতে পারি, তাতে আমার কোনো ক্ষতি হয় না।
நான் கண்ணாடி சாப்பிடுவேன், அதனால் எனக்கு ஒரு கேடும் வராது.
Tôi có thể ăn thủy tinh mà không hại gì.
Türkçe İstanbul ıssız ılık IĞDIR
ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩᚠᚢᚱ
ꦱꦮꦶꦗꦶꦤꦶꦁ ᮃᮘ᮪ᮓᮤ ᠮᠣᠩᠭᠣᠯ
𝔗𝔥𝔢 𝓆𝓊𝒾𝒸𝓀 𝟙𝟚𝟛 𝐛𝐨𝐥𝐝 𝘴𝘢𝘯𝘴
½ ¾ ² ³ ① ② Ⅳ ⅻ ٣٤٥ १२३ 一二三 𝟘 ௧௨
Price: $1,234,567.89 (≈ €1.100.000,00) - 50% off!!!
2024-02-29T23:59:59.999Z and 192.168.0.1:8080 v1.2.3-rc.4+build.567
1 12 123 1234 12345 123456 1234567 12345678 1234567890123456789""".split("\n")

CODE = [
    "def f(x, *args, **kw):\n    \"\"\"Doc.\"\"\"\n    return {k: v for k, v in kw.items() if v is not None}\n",
    "int main(int argc, char **argv) {\n\tfor (int i = 0; i < argc; ++i)\n\t\tprintf(\"%s\\n\", argv[i]);\n\treturn 0;\n}\n",
    "fn main() -> Result<(), Box<dyn Error>> {\n    let v: Vec<_> = (0..10).map(|x| x * x).collect();\n    println!(\"{:?}\", v);\n    Ok(())\n}\n",
    "<!DOCTYPE html>\n<html><body class='a b'><table><tr><td>x</td></tr></table></body></html>\n",
    "SELECT a.id, COUNT(*) FROM t AS a WHERE a.name LIKE '%x%' GROUP BY 1 HAVING COUNT(*)>3;",
    "{\"a\": [1, 2.5e-10, null, true], \"b\": {\"c\": \"\\u00e9\\n\"}}",
    "#!/bin/bash\nset -euo pipefail\nfor f in *.txt; do echo \"${f%.txt}\" | sed 's/a/b/g' >> out; done\n",
    "x = np.array([[1, 2], [3, 4]]) @ y.T  # matrix product\r\n\r\nprint(x)\r\n",
    "let closure: (Int) -> Int = { $0 * 2 }\nguard let x = optional else { fatalError(\"\\(error)\") }\n",
    "\\begin{equation} \\int_0^\\infty e^{-x^2} dx = \\frac{\\sqrt{\\pi}}{2} \\end{equation}",
    "https://www.example.com/path/to/page.html?query=1&other=%20two#fragment",
    "/* comment */ a+=b-c*d/e%f&g|h^i~j<<2>>3&&k||l!=m==n<=o>=p?q:r;",
    "[](){}<>;:,./?!@#$%^&*-_=+\\|`~'\"",
    "0x1F 0b1010 1e10 1_000_000 .5 5. -3 +4 NaN",
    "function(a,b){return a===b?`${a}`:null}// TODO(me): fix\n\n\n\n",
]

EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇯🇵", "❤️", "☺", "🧑🏿‍🚀", "⌨️", "1️⃣", "🫠", "🐦‍⬛", "✈️", "©️™®"]
MARKS = ["e\u0301", "n\u0303", "a\u0308\u0304", "Z\u0351\u0343\u034a\u0334a\u0310l\u0359g\u0322o\u031b", "\u0301", "क्षि", "ก็", "אָ", "لّٰ", "ﬁ", "Å", "Å", "한글", "한글"]
SPACES = [" ", "  ", "   ", "    ", "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r\n", "\r\n\r\n", " \n", "\n ", " \n \n ", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\u0085", "\x0b\x0c", "\u1680", "\u202f"]
CONTROLS = ["\x00", "\x01\x02", "\x07", "\x08", "\x1b[31mred\x1b[0m", "\x7f", "\u0080\u009f", "\ufeff", "\u200d", "\u200e\u202e", "\ue000", "\U000f0000", "\ufffd", "\ufffe", "\U0010ffff", "\u00ad", "\u2060"]
SPECIALS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "<unk>", "<bos>", "<eos>", "<pad>",
            "<start_of_turn>", "<end_of_turn>", "<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>",
            "<|end_header_id|>", "[INST]", "[/INST]", "<<SYS>>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
            "<|file_sep|>", "<|repo_name|>", "<tool_call>", "</tool_call>", "<|box_start|>", "<unused5>", "<mask>", "[multimodal]",
            "<|im_", "im_end|>", "<|im_end", "<|im_end|", "<<|im_end|>>", "<0x0A>", "<0xFF>", "▁", "▁▁", "▁the", "Ġ", "Ġthe", "Ċ",
            "<table>", "</table>", "<h1>", "<strong>", "<filename>", "<gh_stars>", "<jupyter_code>", "<issue_start>"]
YOUNG = ["\U0002ebf0\U0002ec00", "\u0870\u0888", "\ua7f2\ua7f3", "\U00010d40\U00010d41", "\ua7cb\ua7cc", "\u1c89\u1c8a", "\U00011bc0"]
WORDS = ("the of and a to in is you that it he was for on are as with his they I at be this have from or one had by "
         "word but not what all were we when your can said there use an each which she do how their if will up other "
         "about out many then them these so some her would make like him into time has look two more write go see "
         "internationalization antidisestablishmentarianism GPT LLaMA tokenizer BPE camelCase snake_case SCREAMING_CASE").split()


def strings(random):
    yield ""
    for group in (SENTENCES, CODE, EMOJI, MARKS, SPACES, CONTROLS, SPECIALS, YOUNG):
        yield from group
    for text in SENTENCES[:12]:
        yield text.upper()
        yield " " + text + " "
        yield text.replace(" ", "  ")
        yield text.replace(" ", "\n")
    for length in (1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 64, 100):
        for unit in ("a", " ", "\n", "\t", "=", "-", "0", "é", "漢", "😀", "ab", "the ", "\r\n", "'", "▁", "A"):
            yield unit * length
    everything = SENTENCES + CODE + EMOJI + MARKS + SPACES + CONTROLS + SPECIALS + YOUNG + WORDS
    for _ in range(150):  # pieces of everything, glued without mercy
        parts = [random.choice(everything) for _ in range(random.randint(2, 7))]
        yield "".join(part[random.randint(0, 3) * (len(part) > 6):random.randint(4, 24)] for part in parts)
    for _ in range(120):  # words with odd spacing
        yield "".join(random.choice(WORDS) + random.choice(SPACES + [" "] * 30) for _ in range(random.randint(1, 12)))
    for _ in range(80):  # contractions in mixed case
        yield " ".join(random.choice(WORDS) + random.choice(["'", "’", "''", " '"])
                       + "".join(random.choice((c, c.upper())) for c in random.choice(["s", "t", "re", "ve", "m", "ll", "d", "x", "l", "r"]))
                       + random.choice(["", "s", " ", "1"]) for _ in range(random.randint(1, 5)))
    for _ in range(70):  # numbers
        yield random.choice(["", " ", "$", "x", "-"]).join(
            str(random.randint(0, 10 ** random.randint(1, 14))) for _ in range(random.randint(1, 5)))
    for _ in range(80):  # special tokens inside text
        yield "".join(random.choice(SPECIALS + WORDS + ["\n", " ", "user\n", "system", "!"]) for _ in range(random.randint(2, 8)))
    for _ in range(70):  # punctuation and line breaks
        yield "".join(random.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \n\r\ta1é") for _ in range(random.randint(1, 40)))
    for _ in range(60):  # any character of the basic plane
        yield "".join(chr(random.choice([c for c in [random.randint(1, 0xd7ff), random.randint(0xe000, 0xffff)]]))
                      for _ in range(random.randint(1, 12)))
    for _ in range(40):  # any character at all
        yield "".join(chr(random.randint(0x10000, 0x10ffff)) if random.random() < 0.7 else random.choice(WORDS)
                      for _ in range(random.randint(1, 8)))
    for _ in range(40):  # letters of one script run together
        start, end = random.choice([(0x61, 0x7a), (0x410, 0x44f), (0x3b1, 0x3c9), (0x4e00, 0x9fff), (0xac00, 0xd7a3),
                                    (0x905, 0x939), (0x627, 0x64a), (0x3041, 0x3093), (0x1f600, 0x1f64f)])
        yield "".join(chr(random.randint(start, end)) for _ in range(random.randint(1, 30)))


def fnv(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % 2 ** 64
    return "%016x" % value


def main():
    source, models = sys.argv[1:3]
    libraries = os.path.join(source, "build", "bin")
    with tempfile.TemporaryDirectory() as folder:
        judge = os.path.join(folder, "llama_judge")
        subprocess.run(
            ["g++", "-O1", "-std=c++17"] + ["-I" + os.path.join(source, part) for part in ("include", "src", "ggml/include")]
            + [os.path.join(HERE, "llama_judge.cpp")] + [os.path.join(source, "src", part) for part in ("unicode.cpp", "unicode-data.cpp")]
            + ["-L" + libraries, "-lllama", "-lggml", "-lggml-base", "-Wl,-rpath," + libraries, "-o", judge], check=True)

        def ask(*arguments, lines=""):
            return subprocess.run([judge, *arguments], input=lines, capture_output=True, text=True, check=True).stdout

        def write(name, text):
            with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
                file.write(text)

        texts = list(dict.fromkeys(strings(random.Random(20250711))))
        write("strings.jsonl", "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts))
        lines = "".join(text.encode().hex() + "\n" for text in texts)
        for name, path in TOKENIZERS.items():
            path = os.path.join(source if "/" in path else models, path)
            write(name + ".ids", ask("tokens", path, lines=lines))
            pieces = [[bytes.fromhex(part) for part in line.split(" ")] for line in ask("pieces", path).splitlines()]
            hashes = [fnv(b"".join(piece[special] + b"\xff" for piece in pieces)) for special in (0, 1)]
            write(name + ".pieces", " ".join(hashes) + "\n")
        for name in SPLITTERS:
            write(name + ".split", ask("split", name, lines=lines))
        write("kinds", fnv(ask("kinds").encode()) + "\n")
        print(len(texts), "strings")


main()
