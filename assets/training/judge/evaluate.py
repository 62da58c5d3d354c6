"""What a judge does to answers: how many are right with it and without it, on questions it was not trained on.

    hidden-states questions questions.jsonl --labels 60 --seed 99
    python3 evaluate.py questions.jsonl --model coder-1.5b --method resident-drafter --method judge

Runs `paceline ask` on each question, first with the drafter alone and then with the judge. What passes it saves is for
`paceline race --method resident-drafter+judge --against resident-drafter --prompts questions.jsonl` to say.
"""

import argparse
import json
import re
import subprocess


def number(text):
    """As Item.answer does: the number after the last "Answer:", else the last of all."""
    parts = text.rsplit("Answer:", 1)
    after = re.findall(r"-?[0-9]+", parts[1]) if len(parts) > 1 else []
    found = after[:1] or re.findall(r"-?[0-9]+", text)[-1:]
    return int(found[0]) if found else None


def ask(program, model, methods, item):
    command = [program, "ask", "--greedy", "--json", "-m", model, "-n", str(item["maxTokens"])]
    for method in methods:
        command += ["--method", method]
    done = subprocess.run(command + [item["prompt"]], check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    right = result["finish"] != "length" and number(result["text"]) == item["answer"]
    return right, result["tokens"]["ids"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions")
    parser.add_argument("--program", default="paceline")
    parser.add_argument("--model", default="coder-1.5b")
    parser.add_argument("--method", action="append", required=True, help="the last one is what is tried")
    args = parser.parse_args()
    with open(args.questions) as file:
        items = [json.loads(line) for line in file if line.strip()]
    right = [0, 0]
    gained = lost = changed = 0
    for count, item in enumerate(items, 1):
        without, before = ask(args.program, args.model, args.method[:-1], item)
        judged, after = ask(args.program, args.model, args.method, item)
        right[0] += without
        right[1] += judged
        gained += judged and not without
        lost += without and not judged
        changed += before != after
        print(f"{count}: right {right[0]} without it, {right[1]} with it; {lost} lost, {gained} gained, "
              f"{changed} answers changed", flush=True)


if __name__ == "__main__":
    main()
