#!/usr/bin/env python3
"""Records greedy continuations and perplexities of llama.cpp for the models of assets/models.yaml.

usage: make-greedy.py LLAMA_BIN_DIR MODELS_DIR > greedy.json

Each continuation is 32 tokens at temperature 0 from llama-server, no prompt cache; `gaps` holds the
difference of the natural logarithms of the best two probabilities at each token. Each perplexity is that of
llama-perplexity -c 512 on perplexity.txt.
"""
import json
import os
import re
import subprocess
import sys
import time
import urllib.request

MODELS = {
    "smollm2": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "coder-0.5b": "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
    "coder-1.5b": "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf",
    "gemma3": "gemma-3-270m.Q4_K_M.gguf",
}
# Where the judge's best two tokens are nearly level, rounding decides and not correctness. So of this pool each model
# keeps the KEPT prompts along whose continuation the judge itself was never closer to undecided.
KEPT = 20
PROMPTS = [
    "The capital of France is",
    "Water boils at a temperature of",
    "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n",
    "The three primary colours are",
    "import os\nimport sys\n\ndef main():\n",
    "The first president of the United States was",
    "In physics, Newton's second law states that",
    "for i in range(10):\n    print(",
    "A list of the days of the week: Monday, Tuesday,",
    "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog. The quick brown fox",
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,",
    "#include <stdio.h>\n\nint main(void) {\n",
    "Photosynthesis is the process by which",
    "2, 4, 6, 8, 10, 12, 14, 16,",
    "a b c d e f g h i j k l m n",
    "January, February, March, April, May, June, July,",
    "January is month 1\nFebruary is month 2\nMarch is month 3\nApril is month 4\n",
    "one two three four five six seven eight nine ten one two three four five six seven eight nine ten one two",
    "<ul>\n<li>1</li>\n<li>2</li>\n<li>3</li>\n<li>4</li>\n",
    "[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1, 2,",
    "{\"id\": 1, \"name\": \"a\"}, {\"id\": 2, \"name\": \"b\"}, {\"id\": 3, \"name\": \"c\"}, {\"id\": 4,",
    "x = 1\nx = 2\nx = 3\nx = 4\nx = 5\nx = 6\n",
    "Row, row, row your boat, gently down the stream. Row, row, row your boat, gently down the stream. Row, row,",
    "ha ha ha ha ha ha ha ha ha ha ha ha",
    "yes no yes no yes no yes no yes no yes no",
    "red green blue red green blue red green blue red green",
    "if a == 1:\n    return 1\nif a == 2:\n    return 2\nif a == 3:\n    return 3\nif a == 4:\n",
    "Chapter 1\nChapter 2\nChapter 3\nChapter 4\nChapter 5\nChapter 6\n",
    "100 99 98 97 96 95 94 93 92 91 90 89",
    "The cat sat on the mat. The dog sat on the mat. The cat sat on the mat. The dog sat on the mat. The cat",
    "A: hello\nB: hello\nA: hello\nB: hello\nA: hello\nB:",
    "| 1 | one |\n| 2 | two |\n| 3 | three |\n| 4 | four |\n| 5 |",
    "0 1 0 1 0 1 0 1 0 1 0 1 0 1",
    "abcabcabcabcabcabcabcabcabc",
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Monday Tuesday Wednesday Thursday Friday",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ ABCDEFGHIJKLMNOPQRSTUVWXYZ ABCDEFG",
    "print(1)\nprint(2)\nprint(3)\nprint(4)\nprint(5)\nprint(6)\n",
    "case 1: return \"one\";\ncase 2: return \"two\";\ncase 3: return \"three\";\ncase 4:",
    "1 + 1 = 2\n2 + 2 = 4\n3 + 3 = 6\n4 + 4 = 8\n5 + 5 = 10\n",
    "Step 1. Step 2. Step 3. Step 4. Step 5. Step 6. Step 7.",
    "na na na na na na na na Batman! na na na na na na na na Batman! na na",
    "the sea, the sea, the sea, the sea, the sea, the sea, the",
    "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\nINSERT INTO t VALUES (3);\nINSERT INTO t VALUES (4);\n",
    "север юг север юг север юг север юг север юг",
    "東 西 東 西 東 西 東 西 東 西 東 西",
    "I will not talk in class.\nI will not talk in class.\nI will not talk in class.\nI will not talk in class.\n",
    "int a1 = 1;\nint a2 = 2;\nint a3 = 3;\nint a4 = 4;\nint a5 = 5;\n",
    "tick tock tick tock tick tock tick tock tick tock",
    "Page 1 of 10\nPage 2 of 10\nPage 3 of 10\nPage 4 of 10\n",
    "2000, 2001, 2002, 2003, 2004, 2005, 2006,",
    "10, 20, 30, 40, 50, 60, 70, 80,",
    "do re mi fa sol la ti do re mi fa sol la ti do re mi",
    "---\n---\n---\n---\n---\n---\n---\n---\n",
    "key1=value1\nkey2=value2\nkey3=value3\nkey4=value4\nkey5=",
    "All work and no play makes Jack a dull boy. All work and no play makes Jack a dull boy. All work and",
    "North, East, South, West, North, East, South, West, North, East,",
]
PORT = 18181


def post(path, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.load(reply)


def continuations(binaries, model):
    server = subprocess.Popen(
        [f"{binaries}/llama-server", "-m", model, "--port", str(PORT), "-t", "1", "-c", "2048", "-np", "1", "--no-webui"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=2)
                break
            except OSError:
                time.sleep(0.2)
        rows = []
        for prompt in PROMPTS:
            # add_special stands for what the model's own file asks: a BOS for Gemma, none for the others.
            ids = post("/tokenize", {"content": prompt, "add_special": True, "parse_special": False})["tokens"]
            answer = post("/completion", {
                "prompt": ids, "n_predict": 32, "temperature": 0, "top_k": 1, "samplers": ["top_k"], "ignore_eos": False,
                "cache_prompt": False, "return_tokens": True, "n_probs": 2, "seed": 1})
            gaps = []
            for step in answer["completion_probabilities"]:
                best = sorted((top["logprob"] for top in step["top_logprobs"]), reverse=True)
                gaps.append(round(best[0] - best[1], 3) if len(best) > 1 else None)
            rows.append({"prompt": prompt, "promptTokens": ids, "tokens": answer["tokens"], "gaps": gaps[:len(answer["tokens"])]})
        rows.sort(key=lambda row: -min(gap for gap in row["gaps"] if gap is not None))
        return rows[:KEPT]
    finally:
        server.terminate()
        server.wait()


def perplexity(binaries, model):
    text = os.path.join(os.path.dirname(os.path.abspath(__file__)), "perplexity.txt")
    output = subprocess.run(
        [f"{binaries}/llama-perplexity", "-m", model, "-f", text, "-c", "512", "-t", "1"],
        capture_output=True, text=True, check=True)
    return float(re.search(r"Final estimate: PPL = ([0-9.]+)", output.stdout + output.stderr).group(1))


def main():
    binaries, models = sys.argv[1:3]
    version = subprocess.run([f"{binaries}/llama-completion", "--version"], capture_output=True, text=True)
    result = {
        "command": "make-greedy.py LLAMA_BIN_DIR MODELS_DIR > greedy.json",
        "judge": "llama.cpp " + (version.stdout + version.stderr).splitlines()[0],
        "models": {},
    }
    for name, file in MODELS.items():
        path = os.path.join(models, file)
        if not os.path.exists(path):
            continue
        result["models"][name] = {
            "file": file, "perplexity": perplexity(binaries, path), "continuations": continuations(binaries, path)}
        print(name, result["models"][name]["perplexity"], file=sys.stderr)
    text = json.dumps(result, ensure_ascii=False, indent=1)
    print(re.sub(r"\[[\s\d.,null-]+\]", lambda m: re.sub(r"\s+", " ", m.group()), text))


main()
