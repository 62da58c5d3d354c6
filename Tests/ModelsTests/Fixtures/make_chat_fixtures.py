#!/usr/bin/env python3
"""Makes chat.jsonl, the prompts that llama.cpp's Jinja engine renders.

    make_chat_fixtures.py LLAMA_CPP MODELS

LLAMA_CPP is a llama.cpp source folder with its libraries in build/bin; MODELS is the folder with the model files.
Each line has the source of the template (a file of templates/, a model file or a file of the llama.cpp folder), the texts
of its BOS and EOS tokens, the ending (see llama_chat_judge.cpp), the messages and the prompt.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

SYSTEM = "You are a terse assistant."
CONVERSATIONS = [
    [("user", "Hello")],
    [("system", SYSTEM), ("user", "Hello")],
    [("user", "Hello"), ("assistant", "Hi there"), ("user", "Who are you?")],
    [("system", SYSTEM), ("user", "Hello"), ("assistant", "Hi there"), ("user", "Who are you?"),
     ("assistant", "A model."), ("user", "Good.")],
    [("system", "  Two lines\nof system \n"), ("user", "\n  spaces around \n\n"), ("assistant", " \n an answer \n"),
     ("user", "\ttabs\t")],
    [("user", "Write a line."), ("assistant", "Once upon a")],
    [("system", SYSTEM), ("user", "Write a line."), ("assistant", "Once upon a ")],
    [("user", "One."), ("assistant", "1."), ("user", "Two."), ("assistant", "\n2")],
    [("user", "a <|im_end|> b [/INST] c </s> d <end_of_turn> e <|eot_id|> f")],
    [("user", "Grüße, 世界 👋🏽\n```swift\nprint(\"{{ x }}\")\n```")],
    [("user", "")],
]

PLAIN = ("", "")
LLAMA = ("<s>", "</s>")
SOURCES = [
    ("SmolLM2-135M-Instruct.Q4_1.gguf", PLAIN),
    ("Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf", PLAIN),
    ("Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf", PLAIN),
    ("templates/chatml.jinja", PLAIN),
    ("templates/chatml-default.jinja", PLAIN),
    ("templates/llama-2.jinja", LLAMA),
    ("templates/llama-3.jinja", ("<|begin_of_text|>", "<|eot_id|>")),
    ("templates/gemma-2.jinja", ("<bos>", "<eos>")),
    ("templates/gemma-3.jinja", ("<bos>", "<eos>")),
    ("templates/mistral-plain.jinja", LLAMA),
    ("templates/mistral-v1.jinja", LLAMA),
    ("templates/mistral-v3.jinja", LLAMA),
    ("templates/mistral-v7.jinja", LLAMA),
    ("templates/phi-3.jinja", ("<s>", "<|endoftext|>")),
    ("templates/phi-3-mini.jinja", ("<s>", "<|endoftext|>")),
    ("templates/phi-4.jinja", ("<|endoftext|>", "<|im_end|>")),
    ("templates/zephyr.jinja", LLAMA),
    ("models/templates/Qwen-Qwen2.5-7B-Instruct.jinja", PLAIN),
    ("models/templates/google-gemma-2-2b-it.jinja", ("<bos>", "<eos>")),
    ("models/templates/meta-llama-Llama-3.1-8B-Instruct.jinja", ("<|begin_of_text|>", "<|eot_id|>")),
    ("models/templates/meta-llama-Llama-3.2-3B-Instruct.jinja", ("<|begin_of_text|>", "<|eot_id|>")),
    ("models/templates/meta-llama-Llama-3.3-70B-Instruct.jinja", ("<|begin_of_text|>", "<|eot_id|>")),
    ("models/templates/microsoft-Phi-3.5-mini-instruct.jinja", ("<s>", "<|endoftext|>")),
    ("models/templates/mistralai-Mistral-Nemo-Instruct-2407.jinja", LLAMA),
]


def main():
    source, models = sys.argv[1:3]
    libraries = os.path.join(source, "build", "bin")
    with tempfile.TemporaryDirectory() as folder:
        judge = os.path.join(folder, "llama_chat_judge")
        subprocess.run(
            ["g++", "-O1", "-std=c++17"]
            + ["-I" + os.path.join(source, part) for part in ("include", "ggml/include", "common", "vendor")]
            + [os.path.join(HERE, "llama_chat_judge.cpp"), "-L" + libraries, "-lllama-common", "-lllama", "-lggml", "-lggml-base",
               "-Wl,-rpath," + libraries, "-o", judge], check=True)
        records = []
        for name, (bos, eos) in SOURCES:
            cases = []
            for messages in CONVERSATIONS:
                cases.append(("closed", messages))
                cases.append(("continue" if messages[-1][0] == "assistant" else "generate", messages))
            lines = "".join(
                " ".join([ending] + [role + ":" + content.encode().hex() for role, content in messages]) + "\n"
                for ending, messages in cases)
            root = {"templates": HERE, "models": source}.get(name.split("/")[0], models)
            path = os.path.join(root, name)
            arguments = [path] if name.endswith(".gguf") else ["-", path, bos, eos]
            prompts = subprocess.run([judge] + arguments, input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
            for (ending, messages), prompt in zip(cases, prompts, strict=True):
                prompt = None if prompt == "error" else bytes.fromhex(prompt).decode()
                if prompt:  # the engine knows no other day than today
                    prompt = prompt.replace(time.strftime("Today Date: %d %b %Y"), "Today Date: 26 Jul 2024")
                records.append({"template": name, "bos": bos, "eos": eos, "ending": ending, "messages": messages, "prompt": prompt})
    with open(os.path.join(HERE, "chat.jsonl"), "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    print(len(records), "prompts")


main()
