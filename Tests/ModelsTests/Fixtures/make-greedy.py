#!/usr/bin/env python3
"""Records greedy continuations and perplexities of llama.cpp for the models of assets/models.yaml.

usage: make-greedy.py LLAMA_BIN_DIR MODELS_DIR > greedy.json

Each continuation is 32 tokens at temperature 0 from llama-server, threads 2, no prompt cache; `gaps` holds the
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
PROMPTS = [
    "The capital of France is",
    "Water boils at a temperature of",
    "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n",
    "Once upon a time, in a small village by the sea, there lived",
    "The three primary colours are",
    "import os\nimport sys\n\ndef main():\n",
    "To make a cup of tea, first",
    "The first president of the United States was",
    "In physics, Newton's second law states that",
    "for i in range(10):\n    print(",
    "Q: What is the largest planet in the solar system?\nA:",
    "A list of the days of the week: Monday, Tuesday,",
    "The quick brown fox jumps over",
    "1, 2, 3, 4, 5, 6,",
    "#include <stdio.h>\n\nint main(void) {\n",
    "Dear Sir or Madam,\n\nI am writing to",
    "Machine learning is a field of",
    "SELECT name, age FROM users WHERE",
    "Die Hauptstadt von Deutschland ist",
    "Photosynthesis is the process by which",
]
PORT = 18181


def post(path, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.load(reply)


def continuations(binaries, model):
    server = subprocess.Popen(
        [f"{binaries}/llama-server", "-m", model, "--port", str(PORT), "-t", "2", "-c", "2048", "-np", "1", "--no-webui"],
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
        return rows
    finally:
        server.terminate()
        server.wait()


def perplexity(binaries, model):
    text = os.path.join(os.path.dirname(os.path.abspath(__file__)), "perplexity.txt")
    output = subprocess.run(
        [f"{binaries}/llama-perplexity", "-m", model, "-f", text, "-c", "512", "-t", "2"],
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
